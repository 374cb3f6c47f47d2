import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

describe("files made from the program", () => {
  for (const script of ["server/emit-schema.js", "cli/emit-docs.js"]) {
    it(`are as ${script} makes them`, () => {
      const file = fileURLToPath(new URL(`../../src/${script}`, import.meta.url));
      const { status, stderr } = spawnSync(process.execPath, [file, "--check"], { encoding: "utf8" });
      assert.equal(status, 0, stderr);
    });
  }
});
