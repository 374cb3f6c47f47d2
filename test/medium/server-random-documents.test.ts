import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runRandomDocuments } from "../support/random-run.js";

/** `npm run test:fuzz -- --documents 10000` asks more of them. */
const DOCUMENTS = 1_000;

describe(`${DOCUMENTS} random documents`, () => {
  it("are answered or refused, whatever they are, and leave nothing behind", async () => {
    const run = await runRandomDocuments({ documents: DOCUMENTS, seed: 1 });
    assert.deepEqual(run.problems, []);
    assert.deepEqual(run.unhandled, []);
    const total = Object.values(run.statuses).reduce((sum, count) => sum + count, 0);
    assert.equal(total, DOCUMENTS);
    // A generator of nothing but refusals would prove little.
    assert.ok(run.codes.answered! > DOCUMENTS / 20, JSON.stringify(run.codes));
    for (const code of ["BAD_USER_INPUT", "UNAUTHENTICATED", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST"]) {
      assert.ok(run.codes[code]! > 0, code);
    }
    // The caches of parsed queries may fill up to 60 MiB.
    assert.ok(run.memory.end.heap - run.memory.warm.heap < 80, JSON.stringify(run.memory));
    assert.ok(run.memory.end.rss - run.memory.warm.rss < 300, JSON.stringify(run.memory));
  });
});
