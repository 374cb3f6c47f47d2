import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../../src/config.js";
import { BadUserInput } from "../../src/errors.js";

describe("the schedule of retraining", () => {
  const read = (schedule: string) => loadConfig({ LOOKALIKE_RETRAIN_SCHEDULE: schedule }, {}, "/nowhere");

  it("is read at the start", () => {
    assert.equal(read("0 3 * * 0").retrainSchedule, "0 3 * * 0");
  });

  it("is refused at the start when it names no time, not by a worker that would be started again for ever", () => {
    for (const wrong of ["99 99 * * *", "a b c d e", "0 3 * *"]) {
      assert.throws(
        () => read(wrong),
        (error) => error instanceof BadUserInput && /retrainSchedule/i.test(error.message),
        wrong,
      );
    }
  });
});
