import assert from "node:assert/strict";
import { it } from "node:test";
import { readTrainerState, StateMismatch, type TrainerState, writeTrainerState } from "../../src/training/index.js";

const state: TrainerState = {
  format: 1,
  steps: 12,
  parameters: [
    { name: "Gewicht für Köpfe", shape: [2, 2] },
    { name: "bias", shape: [] },
  ],
  weights: Float32Array.of(1, 2, 3, 4, 0, 5),
  average: Float32Array.of(6, 7, 8, 9, 0, 1),
  optimiser: {
    name: "adamw",
    steps: { head: 12, trunk: 3 },
    arrays: { first: new Float32Array(6).fill(0.1), second: new Float32Array(6).fill(1e-30) },
  },
  statistics: { mean: Float32Array.of(-0, Number.MIN_VALUE), deviation: Float32Array.of(3.5, 1e30) },
};

it("a state survives being written, wherever its bytes lie", () => {
  const bytes = writeTrainerState(state);
  assert.deepEqual(readTrainerState(bytes), state);
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  assert.deepEqual(readTrainerState(moved.subarray(3)), state);
  const plain: TrainerState = {
    ...state,
    average: null,
    statistics: null,
    optimiser: { ...state.optimiser, arrays: {} },
  };
  assert.deepEqual(readTrainerState(writeTrainerState(plain)), plain);
});

it("the file is a safetensors file", () => {
  const bytes = writeTrainerState(state);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  assert.equal(length % 8, 0);
  assert.deepEqual(header.average, { dtype: "F32", shape: [6], data_offsets: [24, 48] });
  for (const value of Object.values(header.__metadata__)) assert.equal(typeof value, "string");
});

it("damaged bytes are refused, never misread", () => {
  const bytes = writeTrainerState(state);
  for (let length = 0; length < bytes.length; length += 7) {
    assert.throws(() => readTrainerState(bytes.subarray(0, length)), StateMismatch, `${length} bytes`);
  }
  assert.throws(() => readTrainerState(Buffer.from("not a state, but long enough to be one")), StateMismatch);
  const other = Buffer.from(JSON.stringify({ weights: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const foreign = Buffer.concat([Buffer.alloc(8), other, Buffer.alloc(4)]);
  foreign.writeBigUInt64LE(BigInt(other.length));
  assert.throws(() => readTrainerState(foreign), StateMismatch);
});
