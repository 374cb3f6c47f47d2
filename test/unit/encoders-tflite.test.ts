import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EncoderBroken } from "../../src/encoders/index.js";
import { halfToNumber, readTfliteModel } from "../../src/encoders/tflite-model.js";
import { samePadding } from "../../src/encoders/trunk-layers.js";

describe("half precision", () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ];
  for (const [bits, value] of cases) {
    it(`reads 0x${bits.toString(16).padStart(4, "0")} as ${value}`, () => assert.equal(halfToNumber(bits), value));
  }
  it("reads 0x7e00 as not a number", () => assert.ok(Number.isNaN(halfToNumber(0x7e00))));
});

describe("SAME padding of TensorFlow", () => {
  it("pads an even side at its end only when the stride is 2", () => {
    assert.deepEqual(samePadding(224, 3, 2), { out: 112, before: 0, after: 1 });
    assert.deepEqual(samePadding(14, 3, 2), { out: 7, before: 0, after: 1 });
  });
  it("pads an odd side on both ends", () => {
    assert.deepEqual(samePadding(75, 3, 2), { out: 38, before: 1, after: 1 });
    assert.deepEqual(samePadding(7, 3, 1), { out: 7, before: 1, after: 1 });
  });
  it("pads nothing for a kernel of one", () => {
    assert.deepEqual(samePadding(56, 1, 1), { out: 56, before: 0, after: 0 });
    assert.deepEqual(samePadding(57, 1, 2), { out: 29, before: 0, after: 0 });
  });
});

describe("TFLite reader", () => {
  for (const [what, bytes] of [
    ["nothing", new Uint8Array()],
    ["text", new TextEncoder().encode("this is no flatbuffer at all")],
  ] as const) {
    it(`refuses ${what} with a typed error`, () => {
      assert.throws(() => readTfliteModel(bytes), EncoderBroken);
    });
  }
});
