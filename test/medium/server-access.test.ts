import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { readQueryManifest } from "../../src/server/access/persisted-queries.js";
import { type FakeIdentityProvider, openIdentityProvider } from "../support/fake-identity-provider.js";
import { asAdmin, openShop, type TestShop } from "../support/shop.js";

const COUNT = "{ products { totalCount } }";
const HEALTH = "{ catalogHealth { products } }";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

interface Refusal {
  readonly errors: { message: string; extensions: { code: string } }[];
}

describe("a server that takes an identity provider's tokens and several keys", () => {
  let shop: TestShop;
  let provider: FakeIdentityProvider;
  before(async () => {
    provider = await openIdentityProvider();
    shop = await openShop("embedded", {
      jwksUrl: provider.jwksUrl,
      jwtIssuer: provider.issuer,
      jwtAudience: "lookalike",
      storefrontKeys: { web: "key-of-the-web", app: "key-of-the-app" },
      corsOrigins: ["https://shop.example", "https://studio.example"],
    });
  });
  after(async () => {
    await shop.close();
    await provider.close();
  });

  const bearer = async (claims: Record<string, unknown>) => ({
    authorization: `Bearer ${await provider.token(claims)}`,
  });

  it("knows administrators by role, and keeps the others out of their fields", async () => {
    assert.equal((await shop.ask(HEALTH, {}, await bearer({ roles: ["admin"] }))).errors, undefined);
    assert.equal((await shop.ask(HEALTH, {}, asAdmin)).errors, undefined);
    const staff = await bearer({ roles: ["staff"] });
    assert.equal((await shop.ask(COUNT, {}, staff)).errors, undefined);
    const forbidden = [
      HEALTH,
      "{ products(filter: { status: DRAFT }) { totalCount } }",
      '{ similarItems(productId: "prod_1", options: { modelId: 1 }) { status } }',
      "mutation { refreshEmbeddings { photosToEmbed } }",
    ];
    for (const query of forbidden) {
      assert.equal((await shop.ask(query, {}, staff)).errors![0]!.extensions.code, "FORBIDDEN", query);
      const withKey = await shop.ask(query, {}, { "x-storefront-key": "key-of-the-app" });
      assert.equal(withKey.errors![0]!.extensions.code, "FORBIDDEN", query);
    }
  });

  it("refuses a wrong token with 401, and says 503 while it cannot tell", async () => {
    const wrong = await shop.ask(COUNT, {}, await bearer({ aud: "another" }));
    assert.equal(wrong.status, 401);
    assert.equal(wrong.errors![0]!.extensions.code, "UNAUTHENTICATED");
    provider.behave("failing");
    const other = await openShop("embedded", {
      jwksUrl: provider.jwksUrl,
      jwtIssuer: provider.issuer,
      jwtAudience: "lookalike",
    });
    const unknown = await other.ask(COUNT, {}, await bearer({}));
    assert.equal(unknown.status, 503);
    assert.equal(unknown.errors![0]!.extensions.code, "IDENTITY_PROVIDER_UNREACHABLE");
    assert.equal((await other.ask(HEALTH, {}, asAdmin)).errors, undefined);
    provider.behave("well");
    await other.close();
  });

  it("guards the stream as well", async () => {
    const open = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${shop.address}/graphql/stream`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
        body: JSON.stringify({ query: "subscription { embeddingProgress { embeddedPhotos } }" }),
      });
    assert.equal((await open({})).status, 401);
    const refused = await open({ authorization: "Bearer a.b.c" });
    assert.equal(refused.status, 401);
    assert.equal(((await refused.json()) as Refusal).errors[0]!.extensions.code, "UNAUTHENTICATED");
    const taken = await open(await bearer({ roles: ["admin"] }));
    assert.equal(taken.status, 200);
    await taken.body!.cancel();
  });

  it("lets the configured pages send their credentials in headers, and no page cookies", async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${shop.address}/graphql`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type,x-storefront-key",
        },
      });
    for (const origin of ["https://shop.example", "https://studio.example"]) {
      const { headers, status } = await preflight(origin);
      assert.equal(status, 204);
      assert.equal(headers.get("access-control-allow-origin"), origin);
      assert.match(headers.get("access-control-allow-headers")!, /authorization.*x-storefront-key/);
      assert.equal(headers.get("access-control-allow-credentials"), null);
      assert.match(headers.get("vary")!, /Origin/i);
    }
    assert.equal((await preflight("https://shop.example.evil")).headers.get("access-control-allow-origin"), null);
    const refused = await fetch(`${shop.address}/graphql`, {
      method: "POST",
      headers: { origin: "https://shop.example", "content-type": "application/json" },
      body: JSON.stringify({ query: COUNT }),
    });
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("access-control-allow-origin"), "https://shop.example", "a page can read why");
    assert.match(refused.headers.get("access-control-expose-headers")!, /retry-after/);
  });
});

describe("a server with limits of rate, behind a proxy", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded", {
      trustProxy: ["loopback"],
      rateLimit: 30,
      rateLimitBurst: 0,
      rateLimitPictures: 2,
      rateLimitPerKey: 40,
      storefrontKeys: { web: "key-of-the-web", app: "key-of-the-app" },
      corsOrigins: ["*"],
    });
  });
  after(() => shop.close());

  const web = { "x-storefront-key": "key-of-the-web" };
  const ask = (from: string, headers: Record<string, string>, query = "{ __typename }"): Promise<Response> =>
    fetch(`${shop.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": from, ...headers },
      body: JSON.stringify({ query }),
    });
  const untilRefused = async (from: () => string, headers: Record<string, string>, query?: string): Promise<number> => {
    for (let asked = 0; asked < 200; asked += 1) {
      const response = await ask(from(), headers, query);
      if (response.status !== 429) continue;
      const { errors } = (await response.json()) as Refusal;
      assert.equal(errors[0]!.extensions.code, "RATE_LIMITED");
      const seconds = Number(response.headers.get("retry-after"));
      assert.ok(seconds >= 1 && seconds <= 60, `Retry-After: ${seconds}`);
      assert.equal(response.headers.get("access-control-allow-origin"), "*");
      return asked;
    }
    return Number.POSITIVE_INFINITY;
  };

  it("counts by address, which the nearest proxy tells and no shopper", async () => {
    const forged = (): string => `198.51.100.${Math.floor(Math.random() * 250)}, 203.0.113.7`;
    assert.equal(await untilRefused(forged, web), 30);
    assert.equal((await ask("203.0.113.8", web)).status, 200);
  });

  it("counts a network of IPv6 as one address, and a whole key together", async () => {
    let host = 0;
    const neighbours = (): string => `2001:db8:1:2::${(++host).toString(16)}`;
    // 31 of the test before, one that was let through, and those of this test: the key has 40 a minute.
    const left = await untilRefused(neighbours, web);
    assert.ok(left < 30, `the key was refused after ${left}`);
    const app = { "x-storefront-key": "key-of-the-app" };
    assert.equal(await untilRefused(neighbours, app), 30 - left);
  });

  it("lets few search by picture", async () => {
    const query = '{ a: similarItemsByImage(image: { dataUri: "data:image/png;base64,AAAA" }) { status } }';
    const app = { "x-storefront-key": "key-of-the-app" };
    assert.equal(await untilRefused(() => "203.0.113.9", app, query), 2);
  });

  it("refuses an address that guesses, before it looks at what is guessed", async () => {
    let last = 0;
    for (let guess = 0; guess < 70; guess += 1) {
      last = (await ask("203.0.113.66", { authorization: `Bearer guess-${guess}` })).status;
      if (last === 429) break;
      assert.equal(last, 401);
    }
    assert.equal(last, 429);
    assert.equal((await ask("203.0.113.66", asAdmin)).status, 429);
    assert.equal((await ask("203.0.113.67", asAdmin)).status, 200);
  });

  it("lets administrators send as much as they like", async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, () => ask("203.0.113.10", asAdmin)));
    assert.ok(answers.every(({ status }) => status === 200));
  });
});

describe("a server with limits of rate whose proxies it was not told", () => {
  it("does not count what comes from its own network, where one address is all shoppers", async () => {
    const shop = await openShop("embedded", { rateLimit: 3, rateLimitBurst: 3 });
    for (let asked = 0; asked < 10; asked += 1) assert.equal((await shop.ask("{ __typename }")).status, 200);
    await shop.close();
  });
});

describe("a server with a manifest of queries", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "lookalike-manifest-"));
  const file = path.join(folder, "manifest.json");
  let shop: TestShop;
  before(async () => {
    const operations = [{ id: sha256(COUNT), name: "Count", type: "query", body: COUNT }];
    writeFileSync(file, JSON.stringify({ format: "apollo-persisted-query-manifest", version: 1, operations }));
    shop = await openShop("embedded", { persistedQueries: file });
  });
  after(async () => {
    await shop.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const byHash = (hash: string, more: Record<string, string> = {}): Promise<Response> => {
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hash } });
    return fetch(`${shop.address}/graphql?${new URLSearchParams({ extensions, ...more })}`, {
      headers: { "apollo-require-preflight": "1" },
    });
  };

  it("answers what the manifest has, by text and by hash", async () => {
    assert.deepEqual((await shop.ask(COUNT)).data, { products: { totalCount: 0 } });
    assert.deepEqual(await (await byHash(sha256(COUNT))).json(), { data: { products: { totalCount: 0 } } });
    assert.equal((await byHash(sha256(COUNT), { query: COUNT })).status, 200);
  });

  it("refuses everything else, parsed or not, and registers nothing", async () => {
    const other = "{ products { nodes { id } } }";
    for (const query of [other, `${COUNT} `, "{", "{ __schema { types { name } } }"]) {
      const answer = await shop.ask(query);
      assert.equal(answer.status, 403);
      assert.equal(answer.errors![0]!.extensions.code, "QUERY_NOT_ALLOWED");
    }
    for (const response of [
      await byHash(sha256(other)),
      await byHash(sha256(other), { query: other }),
      await byHash(sha256(COUNT), { query: other }),
      await byHash("constructor"),
      await fetch(`${shop.address}/graphql?query=`, { headers: { "apollo-require-preflight": "1" } }),
    ]) {
      assert.equal(response.status, 403);
      assert.equal(((await response.json()) as Refusal).errors[0]!.extensions.code, "QUERY_NOT_ALLOWED");
    }
    assert.equal((await byHash(sha256(other))).status, 403);
  });

  it("lets administrators ask anything", async () => {
    assert.equal((await shop.ask(HEALTH, {}, asAdmin)).errors, undefined);
  });

  it("takes manifests of GraphQL Code Generator, and none that does not hold what it says", () => {
    const manifestOf = (content: unknown) => {
      writeFileSync(path.join(folder, "other.json"), typeof content === "string" ? content : JSON.stringify(content));
      return readQueryManifest(path.join(folder, "other.json"));
    };
    assert.equal(manifestOf({ [sha256(COUNT)]: COUNT }).get(sha256(COUNT)), COUNT);
    assert.throws(() => manifestOf({ [sha256("{ a }")]: COUNT }), /not its SHA-256/);
    assert.throws(() => manifestOf({ [sha256("{")]: "{" }), /cannot be parsed/);
    assert.throws(() => manifestOf([1]), /must be a list/);
    assert.throws(() => manifestOf("{"), /cannot be read/);
    assert.throws(() => readQueryManifest(path.join(folder, "none.json")), /cannot be read/);
  });
});
