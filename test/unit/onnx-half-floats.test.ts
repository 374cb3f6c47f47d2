import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { halvesFromFloats } from "../../src/onnx/half-floats.js";
import { float16FromNumber, numberFromFloat16 } from "../../src/onnx/number-formats.js";

/** Around every half: the number itself, the middle between it and the next, and what lies just beside both. */
function aroundEveryHalf(): Float32Array {
  const words: number[] = [];
  const single = new Float32Array(1);
  const word = new Uint32Array(single.buffer);
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = numberFromFloat16(bits);
    const next = bits === 0x7bff ? 65536 : numberFromFloat16(bits + 1);
    for (const number of [value, (value + next) / 2]) {
      single[0] = number;
      words.push(word[0]!, word[0]! + 1, ...(word[0]! > 0 ? [word[0]! - 1] : []));
    }
  }
  return new Float32Array(Uint32Array.from(words.flatMap((bits) => [bits, bits + 0x80000000])).buffer);
}

describe("numbers as half precision", () => {
  it("are the nearest, ties to even, as the exact converter has it, over the whole range", () => {
    const values = aroundEveryHalf();
    const halves = new Uint16Array(values.length + 1);
    halvesFromFloats(values, halves, 1, "infinity");
    let different = 0;
    for (const [at, value] of values.entries()) if (halves[at + 1] !== float16FromNumber(value)) different += 1;
    assert.equal(different, 0);
  });

  it("become infinity or the largest half beyond it, whichever is asked for, and agree below", () => {
    const values = Float32Array.of(
      65504,
      65519,
      65520,
      1e9,
      Number.POSITIVE_INFINITY,
      -65520,
      -1e9,
      2 ** -26,
      Number.NaN,
    );
    const [infinite, largest] = (["infinity", "largest"] as const).map((beyond) => {
      const halves = new Uint16Array(values.length);
      halvesFromFloats(values, halves, 0, beyond);
      return [...halves].map(numberFromFloat16);
    });
    const end = Number.POSITIVE_INFINITY;
    assert.deepEqual(infinite, [65504, 65504, end, end, end, -end, -end, 0, Number.NaN]);
    assert.deepEqual(largest, [65504, 65504, 65504, 65504, 65504, -65504, -65504, 0, Number.NaN]);
  });

  it("are read from a part of a longer array", () => {
    const part = Float32Array.of(9, 1, -2, 9).subarray(1, 3);
    const halves = new Uint16Array(2);
    halvesFromFloats(part, halves, 0, "infinity");
    assert.deepEqual([...halves].map(numberFromFloat16), [1, -2]);
  });
});
