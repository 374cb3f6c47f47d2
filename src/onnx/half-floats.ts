const single = new Float32Array(1);
const word = new Uint32Array(single.buffer);
const INFINITE = 0x7c00;
const LARGEST = 0x7bff;
const NOT_A_NUMBER = 0x7e00;

/**
 * What becomes of numbers that round beyond 65,504, the largest half: `infinity`, as IEEE 754 has it, or the largest
 * half, where an infinite number would ruin what is computed from it.
 */
export type BeyondLargestHalf = "infinity" | "largest";

/**
 * Numbers → IEEE 754 half-precision bits in the machine's own byte order, to nearest, ties to even: the bits that
 * `float16FromNumber` makes, some 20 times as fast. Written from `at` on.
 */
export function halvesFromFloats(values: Float32Array, into: Uint16Array, at: number, beyond: BeyondLargestHalf): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < words.length; index++) {
    const bits = words[index]!;
    const magnitude = bits & 0x7fffffff;
    // Normal halves, which nearly all numbers are: rounded to even by adding, then moved to the smaller exponent's bias.
    into[at + index] =
      magnitude >= 0x38800000 && magnitude < 0x477ff000
        ? ((bits >>> 16) & 0x8000) | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13)
        : unusualHalf(bits, beyond);
  }
}

/** Too small for a normal half, too large for any, or not a number. */
function unusualHalf(bits: number, beyond: BeyondLargestHalf): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return NOT_A_NUMBER;
  if (magnitude >= 0x477ff000) return sign | (beyond === "largest" ? LARGEST : INFINITE);
  // Adding 0.5 lets the processor round to the 2⁻²⁴ that halves count in there.
  word[0] = magnitude;
  single[0] = single[0]! + 0.5;
  return sign | (word[0]! - 0x3f000000);
}
