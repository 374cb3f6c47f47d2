import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { remembered } from "../../src/server/operate/remembered.js";

describe("a figure that is remembered", () => {
  it("is read once while it is fresh, and once for all who ask at once", async () => {
    let reads = 0;
    const read = remembered(
      async () => ++reads,
      () => Number.POSITIVE_INFINITY,
    );
    assert.deepEqual(await Promise.all([read(), read(), read()]), [1, 1, 1]);
    assert.equal(await read(), 1);
  });

  it("is read again after its pause", async () => {
    let reads = 0;
    const read = remembered(
      async () => ++reads,
      () => 0,
    );
    assert.equal(await read(), 1);
    assert.equal(await read(), 2);
  });

  it("is read again after a failure", async () => {
    let reads = 0;
    const read = remembered(
      async () => {
        reads += 1;
        if (reads === 1) throw new Error("gone");
        return reads;
      },
      () => Number.POSITIVE_INFINITY,
    );
    await assert.rejects(read(), /gone/);
    assert.equal(await read(), 2);
    assert.equal(await read(), 2);
  });
});
