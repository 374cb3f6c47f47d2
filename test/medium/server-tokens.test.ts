import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { createTokenVerifier, IdentityProviderUnreachable } from "../../src/server/access/json-web-token.js";
import { Unauthenticated } from "../../src/viewer.js";
import { testLogger } from "../support/database.js";
import { type FakeIdentityProvider, inSeconds, openIdentityProvider } from "../support/fake-identity-provider.js";

describe("tokens of an identity provider", () => {
  let provider: FakeIdentityProvider;
  before(async () => {
    provider = await openIdentityProvider();
  });
  after(() => provider.close());

  const verifier = (rolesClaim = "roles") =>
    createTokenVerifier(
      {
        jwksUrl: provider.jwksUrl,
        issuer: provider.issuer,
        audience: "lookalike",
        rolesClaim,
        adminRoles: ["admin", "owner"],
      },
      testLogger,
    );

  it("make an administrator of whoever has the role, in any of the shapes that providers give it", async () => {
    const shapes: [claim: string, claims: Record<string, unknown>, role: string][] = [
      ["roles", { roles: ["staff", "owner"] }, "admin"],
      ["roles", { roles: ["staff"] }, "storefront"],
      ["roles", {}, "storefront"],
      ["roles", { roles: { admin: true } }, "storefront"],
      ["realm_access.roles", { realm_access: { roles: ["admin"] } }, "admin"],
      ["https://shop.example/roles", { "https://shop.example/roles": ["admin"] }, "admin"],
      ["scope", { scope: "openid admin" }, "admin"],
      ["scope", { scope: "openid administrator" }, "storefront"],
      ["__proto__.roles", { roles: ["admin"] }, "storefront"],
      ["constructor", {}, "storefront"],
    ];
    for (const [claim, claims, role] of shapes) {
      const viewer = await verifier(claim)(await provider.token(claims));
      assert.deepEqual(viewer, { role, identified: true, name: "anna" }, claim);
    }
  });

  it("are refused when they are not for us, not now, or not by the provider's key", async () => {
    const verify = verifier();
    const claims = { roles: ["admin"] };
    const good = await provider.token(claims);
    const [header, payload, signature] = good.split(".") as [string, string, string];
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const asHmac = `${encode({ alg: "HS256", kid: provider.publicKey().kid })}.${payload}`;
    const hmacKey = JSON.stringify(provider.publicKey());
    const stranger = await openIdentityProvider();
    const wrong = {
      "of another issuer": await provider.token({ ...claims, iss: "https://elsewhere.example/" }),
      "for another audience": await provider.token({ ...claims, aud: "another-service" }),
      expired: await provider.token({ ...claims, exp: inSeconds(-120) }),
      "not valid yet": await provider.token({ ...claims, nbf: inSeconds(300) }),
      "without an end": await provider.token(claims, {}, "endless"),
      "signed by somebody else": await stranger.token({ ...claims, iss: provider.issuer }),
      "signed by somebody else under our key's name": await stranger.token(
        { ...claims, iss: provider.issuer },
        { kid: provider.publicKey().kid! },
      ),
      changed: `${header}.${encode({ ...claims, aud: "lookalike", iss: provider.issuer, exp: inSeconds(60) })}.${signature}`,
      unsigned: `${encode({ alg: "none" })}.${payload}.`,
      "signed with the public key as a secret": `${asHmac}.${createHmac("sha256", hmacKey).update(asHmac).digest("base64url")}`,
      nonsense: "a.b.c",
      "no token": "secret",
    };
    await stranger.close();
    for (const [how, token] of Object.entries(wrong)) {
      await assert.rejects(verify(token), Unauthenticated, how);
    }
    assert.equal((await verify(good)).role, "admin");
  });

  it("allow clocks to differ by half a minute", async () => {
    const verify = verifier();
    assert.equal((await verify(await provider.token({ exp: inSeconds(-10) }))).role, "storefront");
  });

  it("have the keys read once, and again when the provider has a new one", async (test) => {
    test.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const verify = verifier();
    const before = provider.reads();
    await Promise.all(Array.from({ length: 20 }, async () => verify(await provider.token())));
    assert.equal(provider.reads(), before + 1);
    const old = await provider.token();
    await provider.rotate({ keepOld: false });
    // Tokens with made-up keys must not make this server ask for each of them.
    await assert.rejects(verify(await provider.token()), Unauthenticated);
    assert.equal(provider.reads(), before + 1);
    test.mock.timers.tick(31_000);
    assert.equal((await verify(await provider.token())).identified, true);
    assert.equal(provider.reads(), before + 2);
    await assert.rejects(verify(old), Unauthenticated);
  });

  it("cannot be judged while the keys cannot be had, which is not their holder's fault", async () => {
    for (const how of ["failing", "garbled", "silent"] as const) {
      provider.behave(how);
      const verify = verifier();
      const token = await provider.token();
      await assert.rejects(verify(token), IdentityProviderUnreachable, how);
      const before = provider.reads();
      await assert.rejects(verify(token), IdentityProviderUnreachable, how);
      assert.equal(provider.reads(), before, "nobody waits again at once");
    }
    provider.behave("well");
    assert.equal((await verifier()(await provider.token())).identified, true);
  });
});
