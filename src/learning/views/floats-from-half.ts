import { numberFromFloat16 } from "../../onnx/number-formats.js";

/** Half precision by table: every one of the 65,536 numbers that it has. */
const numbers = Float32Array.from({ length: 65_536 }, (_, bits) => numberFromFloat16(bits));

/** Half-precision bits → numbers. */
export function floatsFromHalf(bits: Uint16Array, into: Float32Array, at: number): void {
  for (let index = 0; index < bits.length; index++) into[at + index] = numbers[bits[index]!]!;
}
