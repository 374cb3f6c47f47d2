import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const child = fileURLToPath(new URL("../support/residency.child.js", import.meta.url));

describe("what a process grows by while it trains", () => {
  for (const form of ["plain", "lowered"]) {
    it(`is what its step was estimated to hold, ${form}`, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [child, form, "16"]);
      const { estimate, grown } = JSON.parse(stdout) as { estimate: number; grown: number };
      assert.ok(grown < 2 * estimate && estimate < 2 * grown, `${grown} bytes; ${estimate} were estimated`);
    });
  }
});
