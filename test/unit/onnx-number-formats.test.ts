import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bfloat16FromNumber,
  float16FromNumber,
  integerToInt64,
  numberFromBfloat16,
  numberFromFloat16,
} from "../../src/onnx/number-formats.js";

const allBits = Array.from({ length: 65536 }, (_, bits) => bits);

test("every float16 becomes a number and comes back", () => {
  for (const bits of allBits) {
    const number = numberFromFloat16(bits);
    if (!Number.isNaN(number)) assert.equal(float16FromNumber(number), bits);
  }
});

test("every bfloat16 becomes a number and comes back", () => {
  for (const bits of allBits) {
    const number = numberFromBfloat16(bits);
    if (!Number.isNaN(number)) assert.equal(bfloat16FromNumber(number), bits);
  }
});

test("a number between two float16 goes to the nearer, in the middle to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [numberFromFloat16(bits), numberFromFloat16(bits + 1)];
    assert.equal(float16FromNumber(low + (high - low) * 0.4999), bits);
    assert.equal(float16FromNumber(low + (high - low) * 0.5001), bits + 1);
    assert.equal(float16FromNumber(low + (high - low) * 0.5), bits % 2 === 0 ? bits : bits + 1);
  }
});

test("values outside a format's range", () => {
  assert.equal(float16FromNumber(65519), 0x7bff);
  assert.equal(float16FromNumber(65520), 0x7c00);
  assert.equal(float16FromNumber(-1e9), 0xfc00);
  assert.equal(float16FromNumber(1e-9), 0);
  assert.equal(float16FromNumber(-0), 0x8000);
  assert.ok(Number.isNaN(numberFromFloat16(float16FromNumber(Number.NaN))));
  assert.equal(numberFromBfloat16(bfloat16FromNumber(3e38)), 226 * 2 ** 120);
  assert.ok(Number.isNaN(numberFromBfloat16(bfloat16FromNumber(Number.NaN))));
  assert.equal(integerToInt64(2 ** 63), 2n ** 63n - 1n);
  assert.equal(integerToInt64(-(2 ** 70)), -(2n ** 63n));
  assert.equal(integerToInt64(-2.7), -2n);
});
