import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { ensureAdminToken } from "../../src/server/admin-token.js";
import { Forbidden, identifyViewer, requireRoles, Unauthenticated } from "../../src/server/viewer.js";

const secrets = { adminToken: "a-token-of-sixteen-or-more", storefrontKey: "key" };

describe("who asks", () => {
  it("is an administrator with the token, a storefront with the key, nobody with a wrong one", () => {
    const admin = identifyViewer({ authorization: `bearer ${secrets.adminToken}` }, secrets);
    assert.deepEqual(admin, { role: "admin", identified: true });
    assert.deepEqual(identifyViewer({ "x-storefront-key": "key" }, secrets), { role: "storefront", identified: true });
    assert.deepEqual(identifyViewer({}, { adminToken: undefined, storefrontKey: undefined }), {
      role: "storefront",
      identified: false,
    });
    for (const headers of [
      {},
      { authorization: "Bearer x" },
      { "x-storefront-key": "Key" },
      { authorization: "Bearer x", "x-storefront-key": "key" },
    ]) {
      assert.throws(() => identifyViewer(headers, secrets), Unauthenticated);
    }
    const open = { adminToken: undefined, storefrontKey: undefined };
    assert.throws(() => identifyViewer({ authorization: "Bearer undefined" }, open), Unauthenticated);
  });

  it("needs to be an administrator for what is marked so", () => {
    assert.equal(requireRoles({ role: "admin", identified: true }, ["ADMIN"]), true);
    assert.equal(requireRoles({ role: "storefront", identified: false }, []), true);
    assert.throws(() => requireRoles({ role: "storefront", identified: true }, ["ADMIN"]), Forbidden);
    assert.throws(() => requireRoles({ role: "storefront", identified: false }, ["ADMIN"]), Unauthenticated);
  });
});

describe("the generated token of administrators", () => {
  it("is made once, readable by its owner only, and the same for all that start at once", async () => {
    const data = mkdtempSync(path.join(tmpdir(), "lookalike-token-"));
    try {
      const made = await Promise.all(
        Array.from({ length: 8 }, () => ensureAdminToken({ data: path.join(data, "new"), adminToken: undefined })),
      );
      assert.equal(new Set(made.map(({ token }) => token)).size, 1);
      assert.ok(made[0]!.token.length >= 43);
      assert.equal(statSync(made[0]!.file!).mode & 0o777, 0o600);
      assert.deepEqual(await ensureAdminToken({ data, adminToken: secrets.adminToken }), { token: secrets.adminToken });
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });
});
