import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { float16FromNumber } from "../../src/onnx/number-formats.js";
import { halfBits, toHalves } from "../../src/vectors/half-floats.js";

describe("halves that a vector is written as", () => {
  it("are the nearest, ties to even, over the whole range", () => {
    const values = [
      0,
      -0,
      1,
      -1,
      0.1,
      65504,
      65519,
      65520,
      1e9,
      -1e9,
      6e-8,
      2 ** -24,
      2 ** -25,
      2 ** -26,
      6.1e-5,
      5e-5,
    ];
    for (let exponent = -27; exponent < 17; exponent += 1) {
      for (const part of [1, 1 + 2 ** -11, 1 + 2 ** -10, 1 + 3 * 2 ** -11, 1.5, 1 + 1023 / 1024 + 2 ** -11, 1.2345]) {
        values.push(part * 2 ** exponent, -part * 2 ** exponent);
      }
    }
    const singles = Float32Array.from(values);
    const halves = toHalves(singles);
    for (const [at, value] of singles.entries()) {
      assert.equal(halfBits(value), float16FromNumber(value), `${value}`);
      assert.equal(halves[at], float16FromNumber(value), `${value} in a vector`);
    }
  });
});
