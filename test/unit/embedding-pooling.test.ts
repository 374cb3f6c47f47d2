import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EncoderOutputInvalid } from "../../src/embedding/embedding.errors.js";
import { poolVectors } from "../../src/embedding/pooling.js";

const manifest = { name: "e", dims: 2 } as const;
const output = (dims: number[], ...values: number[]) => ({ dims, data: Float32Array.from(values) });
const near = (actual: Float32Array[], expected: number[][]) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((vector, photo) => {
    for (const [at, value] of vector.entries()) assert.ok(Math.abs(value - expected[photo]![at]!) < 1e-6, `${vector}`);
    assert.equal(vector.length, expected[photo]!.length);
  });
};

describe("pooling", () => {
  test("none: makes unit vectors of what is there", () => {
    near(poolVectors(output([2, 2], 3, 4, 0, 5), { ...manifest, pooling: "none" }), [
      [0.6, 0.8],
      [0, 1],
    ]);
    near(poolVectors(output([1, 2, 1, 1], 3, 4), { ...manifest, pooling: "none" }), [[0.6, 0.8]]);
  });

  test("average: over places, channels first or last", () => {
    const first = output([2, 2, 1, 3], 1, 2, 6, 4, 4, 4, 0, 0, 3, 1, 1, 2);
    near(poolVectors(first, { ...manifest, pooling: "average" }), [
      [0.6, 0.8],
      [0.6, 0.8],
    ]);
    const last = output([1, 3, 1, 2], 1, 4, 2, 4, 6, 4);
    near(poolVectors(last, { ...manifest, pooling: "average" }), [[0.6, 0.8]]);
  });

  test("cls: the first token; mean-tokens: all of them", () => {
    const tokens = output([1, 3, 2], 3, 4, -9, 7, 12, 1);
    near(poolVectors(tokens, { ...manifest, pooling: "cls" }), [[0.6, 0.8]]);
    const length = Math.hypot(6, 12);
    near(poolVectors(tokens, { ...manifest, pooling: "mean-tokens" }), [[6 / length, 12 / length]]);
  });

  test("refuses a vector without direction", () => {
    for (const values of [
      [0, 0],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
    ]) {
      assert.throws(
        () => poolVectors(output([1, 2], ...values), { ...manifest, pooling: "none" }),
        (error: unknown) => error instanceof EncoderOutputInvalid && /no direction/.test(error.message),
      );
    }
  });

  test("refuses a shape that does not fit the manifest, and names both", () => {
    for (const [pooling, dims] of [
      ["none", [1, 3]],
      ["average", [1, 3]],
      ["average", [1, 3, 1, 1]],
      ["cls", [1, 2]],
      ["mean-tokens", [1, 3, 3]],
    ] as const) {
      const shape: number[] = [...dims];
      const values = Array<number>(shape.reduce((product, length) => product * length, 1)).fill(1);
      assert.throws(
        () => poolVectors(output(shape, ...values), { ...manifest, pooling }),
        (error: unknown) => error instanceof EncoderOutputInvalid && error.message.includes(`pooling "${pooling}"`),
      );
    }
  });
});
