import assert from "node:assert/strict";
import { test } from "node:test";
import { startProgress } from "../../src/cli/progress.js";

test("what was done before somebody looked does not count for the rate", (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  const progress = startProgress("trunk", "steps");
  progress.update(200, 320);
  t.mock.timers.tick(10_000);
  progress.update(220, 320);
  progress.stop();
  assert.match(lines.join(""), /trunk: 220 of 320 steps, 2\.0\/s, 50 s left/);
});
