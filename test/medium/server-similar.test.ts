import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createModelVersions } from "../../src/models/index.js";
import { describeOnBothDatabases } from "../support/database.js";
import { loadCatalog, type RandomProduct } from "../support/random-catalog.js";
import { openShop, type TestShop } from "../support/shop.js";

interface Explained {
  edges: {
    node: { externalId: string };
    explain: {
      rule: string;
      score: number;
      rank: number;
      rankBeforeReranking: number;
      matchedCategory: string[];
      matchedImage: { id: string } | null;
      queryImage: { id: string } | null;
      sharedAttributes: { name: string; values: string[] }[];
    };
  }[];
}

const EXPLAIN = `{ edges { node { externalId } explain { rule score rank rankBeforeReranking matchedCategory
  matchedImage { id } queryImage { id } sharedAttributes { name values } } } }`;

describeOnBothDatabases("choosing similar items over HTTP", (_, kind) => {
  let shop: TestShop;

  before(async () => {
    shop = await openShop(kind);
    const { database, vectors } = shop.core;
    const models = createModelVersions({ database, vectors, logger: shop.core.logger });
    const { id, dims } = await models.active();
    const towards = (angle: number): Float32Array => {
      const vector = new Float32Array(dims);
      vector.set([Math.cos(angle), Math.sin(angle)]);
      return vector;
    };
    const product = (key: number, angle: number, change: Partial<RandomProduct>): RandomProduct => ({
      ...{ id: BigInt(key), source: "shop", externalId: `x${key}`, category: ["home", "lamps"], inStock: true },
      ...{ status: "ACTIVE", deleted: false, split: "TRAIN", priceMinor: 1000n, currency: "EUR" },
      attributes: {},
      photos: [{ id: BigInt(key), blobId: BigInt(key), vector: towards(angle) }],
      ...change,
    });
    await loadCatalog(database, vectors, id, [
      product(1, 0, { attributes: { color: ["red", "blue"], material: ["oak"] } }),
      product(2, 0.2, { attributes: { color: ["blue", "green"], material: ["pine"] } }),
      product(3, 0.1, { category: ["home", "chairs"], priceMinor: 2000n }),
      product(4, 0.3, { priceMinor: 1500n, attributes: { channel: ["de"] } }),
    ]);
  });
  after(() => shop.close());

  async function similar(args: string, fields = EXPLAIN): Promise<Explained> {
    const answer = await shop.ask<{ found: Explained }>(`{ found: ${args} ${fields} }`);
    assert.equal(answer.errors, undefined);
    return answer.data!.found;
  }
  const named = ({ edges }: Explained): string[] => edges.map(({ node }) => node.externalId);

  it("explains each item", async () => {
    const { edges } = await similar(`similarItems(productId: "x1", options: { fallback: NONE })`);
    assert.deepEqual(
      edges.map(({ node, explain }) => [node.externalId, explain.rule, explain.rank, explain.rankBeforeReranking]),
      [
        ["x2", "SAME_CATEGORY", 1, 1],
        ["x4", "SAME_CATEGORY", 2, 2],
        ["x3", "PARENT_CATEGORY", 3, 3],
      ],
    );
    const [first, , last] = edges;
    assert.deepEqual(first!.explain.sharedAttributes, [{ name: "color", values: ["blue"] }]);
    assert.deepEqual(first!.explain.matchedCategory, ["home", "lamps"]);
    assert.deepEqual(last!.explain.matchedCategory, ["home"]);
    assert.deepEqual(last!.explain.sharedAttributes, []);
    assert.ok(first!.explain.matchedImage && first!.explain.queryImage);
    assert.ok(Math.abs(first!.explain.score - (1 - (1 - Math.cos(0.2)) / 2)) < 1e-3);
  });

  it("takes prices relative to the product's, a channel, and how far to go", async () => {
    const withFilter = (filter: string, options = "") =>
      similar(`similarItems(productId: "x1", filter: { ${filter} }, options: { fallback: NONE ${options} })`);
    assert.deepEqual(named(await withFilter("price: { relative: { min: 0.9, max: 1.5 } }")), ["x2", "x4"]);
    assert.deepEqual(named(await withFilter(`price: { max: "10.00", currency: "EUR", relative: { min: 1 } }`)), ["x2"]);
    assert.deepEqual(named(await withFilter(`channel: "fr"`)), ["x2", "x3"]);
    assert.deepEqual(named(await withFilter("inStock: true", ", widenCategory: false, diversity: 0.5")), ["x2", "x4"]);
  });

  it("looks from several products at once", async () => {
    const found = await similar(
      `similarItemsTo(productIds: ["x1", "prod_2"], notLike: ["x4"], options: { fallback: NONE })`,
    );
    assert.deepEqual(named(found), ["x3"]);
    assert.deepEqual(found.edges[0]!.explain.rule, "PARENT_CATEGORY");
    const answer = await shop.ask(`{ similarItemsTo(productIds: ["nowhere"]) { status } }`);
    assert.equal(answer.errors?.[0]?.extensions.code, "PRODUCT_NOT_FOUND");
  });

  it("refuses values that make no sense", async () => {
    for (const args of [
      `similarItems(productId: "x1", options: { diversity: 1.1 })`,
      `similarItems(productId: "x1", options: { minScore: -1 })`,
      `similarItems(productId: "x1", filter: { price: { relative: { min: -1 } } })`,
      `similarItems(productId: "x1", filter: { channel: "" })`,
      "similarItemsTo(productIds: [])",
      `similarItemsTo(productIds: [${'"x1",'.repeat(21)}])`,
    ]) {
      const answer = await shop.ask(`{ ${args} { status } }`);
      assert.equal(answer.errors?.[0]?.extensions.code, "BAD_USER_INPUT", args);
    }
  });
});
