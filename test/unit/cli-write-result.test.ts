import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import path from "node:path";
import { it } from "node:test";
import { describeFailure } from "../../src/cli/failure.js";
import { writeResult } from "../../src/cli/write-result.js";

it("says what to do when a file cannot be written where it was wanted", async () => {
  const file = path.join(tmpdir(), "lookalike-no-such-folder", "distances.svg");
  await assert.rejects(writeResult(file, "<svg/>"), (error) => {
    assert.match(describeFailure(error, {}), /distances\.svg cannot be written: .* Give another path/);
    assert.doesNotMatch(describeFailure(error, {}), /unexpected/);
    return true;
  });
});
