import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { getNamedType, isObjectType } from "graphql";
import { buildGraphqlSchema } from "../../src/server/graphql-schema.js";
import { asAdmin, openShop, type TestShop } from "../support/shop.js";

const LIST =
  "query List { products(first: 3) { nodes { id title images { url } price { amount } } pageInfo { endCursor } } }";

describe("what may be kept of answers", () => {
  let shop: TestShop;
  before(async () => {
    shop = await openShop("embedded", { cacheSeconds: 120, corsOrigins: ["https://shop.example"] });
    const product = { externalId: "a", title: "A cup" };
    await shop.ask(
      "mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) { userErrors { code } } }",
      {
        input: { products: [product] },
      },
      asAdmin,
    );
  });
  after(() => shop.close());

  /** As a storefront asks that wants its answers kept: a GET by hash, registered by the first. */
  const get = (query: string, headers: Record<string, string> = {}, withText = true): Promise<Response> => {
    const sha256Hash = createHash("sha256").update(query).digest("hex");
    const parameters = new URLSearchParams({
      extensions: JSON.stringify({ persistedQuery: { version: 1, sha256Hash } }),
    });
    if (withText) parameters.set("query", query);
    return fetch(`${shop.address}/graphql?${parameters}`, { headers: { "apollo-require-preflight": "1", ...headers } });
  };
  const lifetime = async (query: string, headers: Record<string, string> = {}): Promise<string | null> => {
    const response = await get(query, headers);
    await response.arrayBuffer();
    return response.headers.get("cache-control");
  };

  it("is for everybody where shoppers look, and for nobody elsewhere", async () => {
    assert.equal(await lifetime(LIST), "max-age=120, public");
    assert.equal(await lifetime('{ product(id: "a") { id categoryPath } }'), "max-age=120, public");
    assert.equal(
      await lifetime("{ a: __typename products(first: 1) { ...F } } fragment F on ProductConnection { totalCount }"),
      "max-age=120, public",
    );
    assert.equal(await lifetime(LIST, asAdmin), "no-store");
    assert.equal(await lifetime("{ __typename }"), "no-store");
    assert.equal(await lifetime("{ __schema { queryType { name } } }"), "no-store");
    assert.equal(await lifetime("{ catalogHealth { products } }"), "no-store");
    assert.equal(await lifetime('{ product(id: "a") { id } catalogHealth { products } }'), "no-store");
    assert.equal(await lifetime('{ similarItemsByImage(image: { url: "x" }) { status } }'), "no-store");
    assert.equal(await lifetime("{ produkt }"), "no-store");
    assert.equal((await shop.ask("{ nothing }")).status, 400);
  });

  it("is not the answer that is not ready yet", async () => {
    const query = '{ similarItems(productId: "a") { status nodes { id } } }';
    const response = await get(query);
    assert.deepEqual(await response.json(), { data: { similarItems: { status: "PENDING", nodes: [] } } });
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("etag"), null);
    assert.equal(await lifetime('{ product(id: "a") { similarItems { nodes { id } } } }'), "no-store");
  });

  it("is asked for again by its tag, and sent again only when it is another one", async () => {
    const first = await get(LIST);
    const etag = first.headers.get("etag")!;
    assert.match(etag, /^W\/"[\w-]{27}"$/);
    const text = await first.text();
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, "*"]) {
      const again = await get(LIST, { "if-none-match": known }, false);
      assert.equal(again.status, 304, known);
      assert.equal(await again.text(), "");
      assert.equal(again.headers.get("etag"), etag);
      assert.equal(again.headers.get("cache-control"), "max-age=120, public");
    }
    assert.equal((await get(LIST, { "if-none-match": 'W/"other"' })).status, 200);
    await shop.ask(
      "mutation ($input: UpsertProductsInput!) { upsertProducts(input: $input) { userErrors { code } } }",
      {
        input: { products: [{ externalId: "b", title: "B cup" }] },
      },
      asAdmin,
    );
    const changed = await get(LIST, { "if-none-match": etag });
    assert.equal(changed.status, 200);
    assert.notEqual(await changed.text(), text);
    assert.notEqual(changed.headers.get("etag"), etag);
  });

  it("depends on who asks, from where, and for what format", async () => {
    const { headers } = await get(LIST, { origin: "https://shop.example" });
    const vary = headers.get("vary")!.toLowerCase();
    for (const name of ["origin", "accept", "authorization", "x-storefront-key"]) assert.ok(vary.includes(name), vary);
  });

  it("knows every type that storefronts reach", () => {
    const { Query } = buildGraphqlSchema().getTypeMap();
    assert.ok(isObjectType(Query));
    /** Behind fields for administrators only. */
    const forAdministrators = new Set([
      "ModelGate",
      "ModelPromotion",
      "ModelRefresh",
      "ModelStability",
      "StabilityExample",
    ]);
    const reached = new Set<string>();
    const walk = (name: string, field: { readonly type: Parameters<typeof getNamedType>[0] }): void => {
      const type = getNamedType(field.type);
      if (!isObjectType(type) || reached.has(type.name) || forAdministrators.has(type.name)) return;
      reached.add(type.name);
      const hint = type.astNode?.directives?.find((directive) => directive.name.value === "cacheControl");
      assert.ok(hint, `${type.name}, reached by ${name}, needs @Directive("@cacheControl(inheritMaxAge: true)")`);
      for (const below of Object.values(type.getFields())) walk(`${name}.${below.name}`, below);
    };
    for (const name of ["product", "products", "similarItems", "similarItemsTo"]) walk(name, Query.getFields()[name]!);
    assert.ok(reached.has("ProductImage") && reached.has("SimilarItemEdge"));
  });
});

describe("answers to holders of a storefront's key", () => {
  it("are kept by their browser alone, since a cache in between asks for no key", async () => {
    const shop = await openShop("embedded", { storefrontKey: "key" });
    const response = await fetch(`${shop.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-storefront-key": "key" },
      body: JSON.stringify({ query: LIST }),
    });
    assert.equal(response.headers.get("cache-control"), "max-age=60, private");
    await shop.close();
  });

  it("are not kept at all with cacheSeconds 0", async () => {
    const shop = await openShop("embedded", { cacheSeconds: 0 });
    const response = await fetch(`${shop.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: LIST }),
    });
    assert.equal(response.headers.get("cache-control"), "no-store");
    await shop.close();
  });
});
