import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EncoderBroken, type EncoderManifest, poolVectors } from "../../src/encoders/index.js";

type Pooling = EncoderManifest["pooling"];

const output = (dims: number[], ...values: number[]) => ({ dims, data: Float32Array.from(values) });
const pool = (pooled: ReturnType<typeof output>, pooling: Pooling, layout: "NCHW" | "NHWC" = "NCHW") =>
  poolVectors(pooled, { name: "tiny", output: "features", dims: 2, pooling, preprocessing: { layout } });
const near = (actual: Float32Array[], expected: number[][]) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((vector, photo) => {
    for (const [at, value] of vector.entries()) assert.ok(Math.abs(value - expected[photo]![at]!) < 1e-6, `${vector}`);
    assert.equal(vector.length, expected[photo]!.length);
  });
};

describe("pooling", () => {
  test("none: makes unit vectors of what is there", () => {
    near(pool(output([2, 2], 3, 4, 0, 5), "none"), [
      [0.6, 0.8],
      [0, 1],
    ]);
    near(pool(output([1, 2, 1, 1], 3, 4), "none"), [[0.6, 0.8]]);
  });

  test("average: over places, channels first or last", () => {
    const first = output([2, 2, 1, 3], 1, 2, 6, 4, 4, 4, 0, 0, 3, 1, 1, 2);
    near(pool(first, "average"), [
      [0.6, 0.8],
      [0.6, 0.8],
    ]);
    near(pool(output([1, 3, 1, 2], 1, 4, 2, 4, 6, 4), "average", "NHWC"), [[0.6, 0.8]]);
  });

  test("average: a map as wide as it has channels is read in the manifest's layout", () => {
    const square = output([1, 2, 1, 2], 3, 0, 3, 8);
    near(pool(square, "average"), [[3 / Math.hypot(3, 11), 11 / Math.hypot(3, 11)]]);
    near(pool(square, "average", "NHWC"), [[0.6, 0.8]]);
  });

  test("cls: the first token; mean-tokens: all of them", () => {
    const tokens = output([1, 3, 2], 3, 4, -9, 7, 12, 1);
    near(pool(tokens, "cls"), [[0.6, 0.8]]);
    near(pool(tokens, "mean-tokens"), [[6 / Math.hypot(6, 12), 12 / Math.hypot(6, 12)]]);
  });

  test("refuses a vector without direction", () => {
    for (const values of [
      [0, 0],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
    ]) {
      assert.throws(
        () => pool(output([1, 2], ...values), "none"),
        (error: unknown) => error instanceof EncoderBroken && /zero or not finite/.test(error.message),
      );
    }
  });

  test("refuses a shape that does not fit the manifest, and names both", () => {
    for (const [pooling, layout, shape, expected] of [
      ["none", "NCHW", [1, 3], "[photos, 2]"],
      ["average", "NCHW", [1, 3], "[photos, 2, height, width]"],
      ["average", "NCHW", [1, 3, 1, 2], "[photos, 2, height, width]"],
      ["average", "NHWC", [1, 2, 1, 3], "[photos, height, width, 2]"],
      ["cls", "NCHW", [1, 2], "[photos, tokens, 2]"],
      ["mean-tokens", "NCHW", [1, 3, 3], "[photos, tokens, 2]"],
    ] as const) {
      const values = Array<number>(shape.reduce<number>((product, length) => product * length, 1)).fill(1);
      assert.throws(
        () => pool(output([...shape], ...values), pooling, layout),
        (error: unknown) =>
          error instanceof EncoderBroken &&
          error.message.includes(`[photos, ${shape.slice(1).join(", ")}]`) &&
          error.message.includes(`pooling "${pooling}" needs ${expected}.`),
      );
    }
  });
});
