import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Database } from "../../src/database/database.type.js";
import { createModelVersions } from "../../src/models/index.js";
import {
  createSimilarItems,
  type SimilarItems,
  type SimilarItemsPage,
  type SimilarItemsRequest,
} from "../../src/similar/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, loadCatalog, type RandomProduct, unit } from "../support/random-catalog.js";

const at = (degrees: number): Float32Array =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0, 0);
const DESK = ["home", "lamps", "desk"];

const product = (id: number, degrees: number | undefined, change: Partial<RandomProduct> = {}): RandomProduct => ({
  id: BigInt(id),
  source: "shop",
  externalId: `x${id}`,
  category: DESK,
  inStock: true,
  attributes: {},
  status: "ACTIVE",
  deleted: false,
  split: "TRAIN",
  photos: [{ id: BigInt(id), blobId: BigInt(id), ...(degrees === undefined ? {} : { vector: at(degrees) }) }],
  ...change,
});
const priced = (minor: bigint, currency = "EUR") => ({ priceMinor: minor, currency });

const catalog: RandomProduct[] = [
  product(1, 0, { ...priced(1000n), attributes: { color: ["red"], channel: ["web"] } }),
  product(2, 30, { ...priced(900n), attributes: { channel: ["store"] } }),
  product(3, 5, { category: ["home", "lamps", "floor"], ...priced(1500n), attributes: { channel: ["store", "web"] } }),
  product(4, 10, { category: ["home", "lamps"], ...priced(1501n) }),
  product(5, 1, { category: ["home", "chairs"], ...priced(1000n, "USD") }),
  product(6, 2, { category: ["garden"] }),
  product(7, 3, { category: ["home", "chairs"], group: "b" }),
  product(8, 40, { group: "b" }),
  product(9, undefined),
  product(10, undefined, { category: ["home", "lamps"] }),
  product(11, undefined, { category: ["home", "lamps"], group: "c" }),
  product(12, undefined, { group: "c" }),
  product(13, -50, { category: [] }),
];

describeOnBothDatabases("what similar items are chosen from", (open) => {
  let test: TestDatabase;
  let database: Database;
  let vectors: Vectors;
  let similar: SimilarItems;
  let modelId: number;

  before(async () => {
    test = await open();
    database = test.database;
    vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: 4 })).id;
    await loadCatalog(database, vectors, modelId, catalog);
    similar = createSimilarItems({ vectors, models });
  });
  after(() => test.drop());

  const ids = (page: SimilarItemsPage | undefined): number[] =>
    page?.items.map(({ productId }) => Number(productId)) ?? [];
  const ask = async (id: number, request: Partial<SimilarItemsRequest> = {}): Promise<number[]> =>
    ids(
      await similar.toProduct(`prod_${id}`, {
        first: 20,
        ...request,
        options: { fallback: "NONE", ...request.options },
      }),
    );

  async function paged(id: number, request: Partial<SimilarItemsRequest>): Promise<number[]> {
    const found: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await similar.toProduct(`prod_${id}`, {
        first: 1,
        ...request,
        ...(cursor ? { after: cursor } : {}),
      });
      found.push(...ids(page));
      cursor = page.hasNextPage ? page.items[0]!.cursor : undefined;
    } while (cursor);
    return found;
  }

  it("goes outwards from the product's category, each group once, and says so", async () => {
    const page = await similar.toProduct("prod_1", { first: 20, options: { fallback: "NONE" } });
    assert.deepEqual(ids(page), [2, 8, 3, 4, 5]);
    assert.deepEqual(
      page.items.map(({ rule, rank, reason }) => [rule, rank, reason]),
      ["SAME_CATEGORY", "SAME_CATEGORY", "PARENT_CATEGORY", "PARENT_CATEGORY", "PARENT_CATEGORY"].map((rule, place) => [
        rule,
        place + 1,
        "VISUAL",
      ]),
    );
    assert.deepEqual(await paged(1, { options: { fallback: "NONE" } }), [2, 8, 3, 4, 5]);
    assert.deepEqual(await ask(1, { options: { widenCategory: false } }), [2, 8]);
    assert.deepEqual(await ask(1, { options: { sameCategory: false } }), [5, 6, 7, 3, 4, 2, 13]);
    assert.deepEqual(await ask(13), [1, 5, 6, 7, 3, 4, 2]);
  });

  it("goes outwards for a list of products together", async () => {
    const statements: string[] = [];
    const { query } = database;
    const counted = {
      ...database,
      query: ((text, ...rest) => {
        if (text.includes("nearest")) statements.push(text);
        return query(text, ...rest);
      }) as Database["query"],
    };
    const models = createModelVersions({ database, vectors, logger: testLogger });
    const many = createSimilarItems({ vectors: createVectors({ database: counted, logger: testLogger }), models });
    const pages = await many.toProducts([1n, 2n, 8n], { first: 20, options: { fallback: "NONE" } });
    assert.equal(statements.length, 3, "one for each step outwards, however many products");
    for (const [id, page] of pages) assert.deepEqual(ids(page), await ask(Number(id)), `${id}`);
  });

  it("compares prices with the product's own, and asks nothing where it has none", async () => {
    const near = (relativePrice: { min?: number; max?: number }) => ({ filter: { relativePrice } });
    assert.deepEqual(await ask(1, near({ min: 0.9, max: 1.5 })), [2, 3]);
    assert.deepEqual(await ask(1, near({ min: 0.95 })), [3, 4]);
    assert.deepEqual(await ask(1, near({ max: 0.9 })), [2]);
    assert.deepEqual(await ask(1, near({ max: Number.MAX_VALUE })), [2, 3, 4]);
    assert.deepEqual(await ask(8, near({ min: 0.9, max: 1.5 })), await ask(8));
    assert.deepEqual(await paged(1, { ...near({ min: 0.9, max: 1.5 }), options: { minScore: 0.99 } }), [3, 2]);
  });

  it("shows a channel's products, and those that name none", async () => {
    assert.deepEqual(await ask(1, { filter: { channel: "web" } }), [8, 3, 4, 5]);
    assert.deepEqual(await ask(1, { filter: { channel: "store" } }), [2, 8, 3, 4, 5]);
    assert.deepEqual(
      ids(await similar.toProduct("prod_9", { first: 20, filter: { channel: "web" } })).includes(2),
      false,
    );
  });

  it("leaves out what is hidden, on cursors of before too", async () => {
    const first = await similar.toProduct("prod_1", { first: 2, options: { fallback: "NONE" } });
    assert.deepEqual(ids(first), [2, 8]);
    const after = first.items[1]!.cursor;
    const hidden = { productIds: [3n], groups: ["shop\u001fb"] };
    assert.deepEqual(await ask(1, { after, hidden }), [4, 5]);
    assert.deepEqual(await ask(1, { hidden }), [2, 4, 5]);
    assert.deepEqual(
      ids(await similar.toProduct("prod_9", { first: 20, hidden: { productIds: [12n, 2n] } })),
      [8, 1, 11, 10, 4, 3, 5],
    );
  });

  it("falls back on what is popular, then on what is new, outwards step by step", async () => {
    await database.query(
      "INSERT INTO product_popularity (product_id, score) VALUES (1, 5), (2, 7), (10, 1), (3, 2), (6, 99)",
    );
    try {
      const page = await similar.toProduct("prod_9", { first: 20 });
      assert.equal(page.status, "PENDING");
      assert.deepEqual(
        page.items.map(({ productId, rule }) => [Number(productId), rule]),
        [
          [2, "POPULAR"],
          [1, "POPULAR"],
          [12, "NEWEST"],
          [8, "NEWEST"],
          [3, "POPULAR"],
          [10, "POPULAR"],
          [4, "NEWEST"],
          [5, "NEWEST"],
        ],
      );
      assert.deepEqual(await paged(9, {}), ids(page));
      assert.deepEqual(await paged(9, { options: { widenCategory: false } }), [2, 1, 12, 8]);
    } finally {
      await database.query("DELETE FROM product_popularity");
    }
  });

  it("finds what is like several products and unlike others", async () => {
    const everywhere = { first: 20, options: { fallback: "NONE", sameCategory: false } } as const;
    const page = await similar.toSeveral({ like: ["prod_2", "x8", "nowhere"] }, everywhere);
    assert.deepEqual(ids(page), [4, 3, 6, 5, 1, 13]);
    assert.deepEqual(page.seeds, [2n, 8n]);
    const mean = unit(at(30).map((value, index) => value + at(40)[index]!));
    assert.ok(Math.abs(page.items[0]!.distance - (1 - dot(mean, at(10)))) < 2e-3);
    const away = await similar.toSeveral({ like: ["prod_1"], notLike: ["prod_4"] }, everywhere);
    assert.deepEqual(ids(away).slice(0, 2), [5, 6]);
    assert.ok(!ids(away).includes(4) && !ids(away).includes(1));
    assert.ok(away.items[0]!.distance > page.items[0]!.distance / 100);

    const first = await similar.toSeveral({ like: ["prod_3", "prod_2"] }, { first: 2 });
    assert.deepEqual(ids(first), [1, 8]);
    const rest = await similar.toSeveral(
      { like: ["prod_3", "prod_2"] },
      { first: 20, after: first.items[1]!.cursor, options: {} },
    );
    assert.deepEqual(ids(rest).slice(0, 2), [4, 5]);
    assert.equal(rest.items.at(-1)!.reason, "FALLBACK");
    await assert.rejects(similar.toSeveral({ like: ["nowhere"] }, { first: 2 }), { code: "PRODUCT_NOT_FOUND" });
    assert.equal((await similar.toSeveral({ like: ["prod_9"] }, { first: 2 })).status, "PENDING");
  });

  it("spreads by diversity, the same for any size of page", async () => {
    const plain = await ask(4, { options: { sameCategory: false } });
    const options = { sameCategory: false, diversity: 0.6, fallback: "NONE" } as const;
    const spread = await similar.toProduct("prod_4", { first: 20, options });
    assert.notDeepEqual(ids(spread), plain);
    assert.deepEqual(ids(spread).toSorted(), plain.toSorted());
    assert.equal(ids(spread)[0], plain[0]);
    assert.deepEqual(
      spread.items.map(({ rankBeforeReranking }) => plain[rankBeforeReranking! - 1]),
      ids(spread),
    );
    assert.deepEqual(await paged(4, { options }), ids(spread));
  });

  it("reads scores by the distances between the model's own products, and keeps them while pages are turned", async () => {
    const random = createRandom(3);
    const models = createModelVersions({ database, vectors, logger: testLogger });
    const fresh = createVectors({ database, logger: testLogger });
    const answers = createSimilarItems({ vectors: fresh, models });
    await fresh.calibrate(modelId);
    const request = { first: 1, options: { minScore: 0.9, sameCategory: false, fallback: "NONE" } } as const;
    const before = await answers.toProduct("prod_1", request);
    assert.ok(Math.abs(before.items[0]!.score - (1 - before.items[0]!.distance / 2)) < 1e-9, "too few products");

    const many = Array.from({ length: 60 }, (_, index) => ({
      ...product(100 + index, 0, { category: ["many"] }),
      photos: [{ id: BigInt(100 + index), blobId: BigInt(100 + index), vector: random.vector(4) }],
    }));
    await loadCatalog(database, vectors, modelId, many);
    await fresh.calibrate(modelId);
    const rest = await answers.toProduct("prod_1", { ...request, first: 20, after: before.items[0]!.cursor });
    const scores = rest.items.map(({ score }) => score);
    assert.ok(
      rest.items.every(({ distance }) => distance <= 0.2 + 1e-9),
      "the limit of the first page holds",
    );
    const pairs = many.flatMap((left, index) =>
      many.slice(index + 1).map((right) => 1 - dot(left.photos[0]!.vector, right.photos[0]!.vector)),
    );
    for (const [index, { distance }] of rest.items.entries()) {
      const nearer = pairs.filter((pair) => pair < distance).length / pairs.length;
      if (nearer > 0.01) assert.ok(Math.abs(scores[index]! - 0.2 * Math.log10(1 / nearer)) < 0.05, `${distance}`);
    }
    const [stored] = await database.query<{ scale: { products: number } }>(
      "SELECT score_scale AS scale FROM model_version WHERE id = $1",
      [modelId],
    );
    await loadCatalog(database, vectors, modelId, [product(200, 10)]);
    await fresh.calibrate(modelId);
    const [again] = await database.query("SELECT score_scale AS scale FROM model_version WHERE id = $1", [modelId]);
    assert.deepEqual(again, stored, "one product more is no reason to measure again");
  });
});

function dot(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + value * right[index]!, 0);
}
