import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { loadConfig } from "../../src/config.js";
import { BadUserInput } from "../../src/errors.js";
import { ensureAdminToken } from "../../src/server/access/admin-token.js";
import { createIdentifyViewer } from "../../src/server/access/identify-viewer.js";
import { Forbidden, requireRoles, Unauthenticated } from "../../src/viewer.js";
import { testLogger } from "../support/database.js";

const adminToken = "a-token-of-sixteen-or-more";
const settings = (given: Record<string, string>) => loadConfig(given, {}, tmpdir());
const identifier = (given: Record<string, string>) => createIdentifyViewer(settings(given), testLogger);

describe("who asks", () => {
  it("is an administrator with the token, a storefront with the key, nobody with a wrong one", async () => {
    const identify = identifier({ LOOKALIKE_ADMIN_TOKEN: adminToken, LOOKALIKE_STOREFRONT_KEY: "key" });
    assert.deepEqual(await identify({ authorization: `bearer ${adminToken}` }), { role: "admin", identified: true });
    const storefront = { role: "storefront", identified: true, name: "storefront" };
    assert.deepEqual(await identify({ "x-storefront-key": "key" }), storefront);
    for (const headers of [
      {},
      { authorization: "Bearer x" },
      { authorization: "Bearer " },
      { "x-storefront-key": "Key" },
      { "x-storefront-key": "" },
      { authorization: "Bearer x", "x-storefront-key": "key" },
    ]) {
      await assert.rejects(identify(headers), Unauthenticated);
    }
  });

  it("is anybody where no key is asked for, but never an administrator without a token", async () => {
    const identify = identifier({});
    assert.deepEqual(await identify({}), { role: "storefront", identified: false });
    await assert.rejects(identify({ authorization: "Bearer undefined" }), Unauthenticated);
  });

  it("is told apart by the name of the key", async () => {
    const identify = identifier({ LOOKALIKE_STOREFRONT_KEYS: "web=first-key, app=second=key" });
    assert.equal((await identify({ "x-storefront-key": "first-key" })).name, "web");
    assert.equal((await identify({ "x-storefront-key": "second=key" })).name, "app");
    await assert.rejects(identify({ "x-storefront-key": "web" }), Unauthenticated);
    await assert.rejects(identify({}), Unauthenticated);
  });

  it("needs to be an administrator for what is marked so", () => {
    assert.equal(requireRoles({ role: "admin", identified: true }, ["ADMIN"]), true);
    assert.equal(requireRoles({ role: "storefront", identified: false }, []), true);
    assert.throws(() => requireRoles({ role: "storefront", identified: true }, ["ADMIN"]), Forbidden);
    assert.throws(() => requireRoles({ role: "storefront", identified: false }, ["ADMIN"]), Unauthenticated);
  });
});

describe("settings of access", () => {
  it("are refused when they could not do what they say", () => {
    const wrong: [Record<string, string>, RegExp][] = [
      [{ LOOKALIKE_STOREFRONT_KEYS: "nameless" }, /storefrontKeys/],
      [{ LOOKALIKE_JWKS_URL: "https://id.example/keys" }, /jwtIssuer.*jwtAudience/],
      [{ LOOKALIKE_JWKS_URL: "file:///etc/passwd" }, /jwksUrl/],
      [{ LOOKALIKE_TRUST_PROXY: "true" }, /trustProxy/],
      [{ LOOKALIKE_TRUST_PROXY: "2, 10.0.0.0/8" }, /trustProxy/],
      [{ LOOKALIKE_RATE_LIMIT: "-1" }, /rateLimit/],
      [{ LOOKALIKE_CORS_ORIGINS: "shop.example" }, /corsOrigins/],
    ];
    for (const [given, expected] of wrong) {
      assert.throws(
        () => settings(given),
        (error) => error instanceof BadUserInput && expected.test(error.message),
        JSON.stringify(given),
      );
    }
    assert.deepEqual(settings({ LOOKALIKE_TRUST_PROXY: "loopback, 10.0.0.0/8" }).trustProxy, [
      "loopback",
      "10.0.0.0/8",
    ]);
    assert.deepEqual(settings({ LOOKALIKE_TRUST_PROXY: "2" }).trustProxy, ["2"]);
  });

  it("leave explorer and introspection off in production, unless asked for", () => {
    assert.equal(settings({}).explorer, true);
    assert.equal(settings({ NODE_ENV: "production" }).explorer, false);
    assert.equal(settings({ NODE_ENV: "production", LOOKALIKE_EXPLORER: "true" }).explorer, true);
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
      assert.deepEqual(await ensureAdminToken({ data, adminToken }), { token: adminToken });
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });
});
