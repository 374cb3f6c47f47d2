import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { typescript } from "../support/installed-package.js";
import { makeStorefrontTypes, STOREFRONT, STOREFRONT_TYPES } from "../support/storefront-types.js";

describe("examples/storefront-react", () => {
  it("has the types that its queries and the schema make", async () => {
    const stale = "Run: node dist/test/support/emit-storefront-types.js";
    assert.equal(readFileSync(STOREFRONT_TYPES, "utf8"), await makeStorefrontTypes(), stale);
  });

  it("type-checks", async () => {
    await typescript(["--noEmit", "-p", STOREFRONT], STOREFRONT);
  });
});
