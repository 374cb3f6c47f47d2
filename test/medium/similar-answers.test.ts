import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Database } from "../../src/database/database.type.js";
import { createModelVersions, type ModelVersions } from "../../src/models/index.js";
import { createSimilarItems, type SimilarItems, type SimilarItemsPage } from "../../src/similar/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { loadCatalog, type RandomProduct, unit } from "../support/random-catalog.js";

/** A unit vector at this angle to the first axis. */
const at = (degrees: number): Float32Array =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0, 0);
const distanceOf = (degrees: number): number => 1 - Math.cos((degrees * Math.PI) / 180);

let photoIds = 0n;
const photo = (vector?: Float32Array) => {
  photoIds += 1n;
  return { id: photoIds, blobId: photoIds, ...(vector === undefined ? {} : { vector }) };
};
const product = (id: number, change: Partial<RandomProduct> = {}): RandomProduct => ({
  id: BigInt(id),
  source: "shop",
  externalId: `x${id}`,
  category: ["lamps"],
  inStock: true,
  attributes: {},
  status: "ACTIVE",
  deleted: false,
  split: "TRAIN",
  photos: [],
  ...change,
});

const catalog: RandomProduct[] = [
  product(1, { photos: [photo(at(0))], externalId: "42", group: "red" }),
  product(2, { photos: [photo(at(10))], group: "blue" }),
  product(3, { photos: [photo(at(20))], group: "blue" }),
  product(4, { photos: [photo(at(5))], group: "red" }),
  product(5, { photos: [photo(at(45)), photo(at(16))] }),
  product(6, { photos: [photo(at(30))], category: ["lamps", "desk"] }),
  product(7, { photos: [photo(at(1))], category: ["chairs"] }),
  product(8, { photos: [photo()] }),
  product(9, { photos: [photo()], category: ["chairs"] }),
  product(10, { photos: [photo(at(2))], deleted: true, externalId: "gone" }),
  product(11, { photos: [photo(at(40))], source: "other", externalId: "42" }),
  product(12, { photos: [photo(at(50)), photo(at(60))], externalId: "gid://shopify/Product/77" }),
];

describeOnBothDatabases("similar items", (open) => {
  let test: TestDatabase;
  let database: Database;
  let vectors: Vectors;
  let models: ModelVersions;
  let similar: SimilarItems;
  let modelId: number;

  before(async () => {
    test = await open();
    database = test.database;
    vectors = createVectors({ database, logger: testLogger });
    models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: 4 })).id;
    await loadCatalog(database, vectors, modelId, catalog);
    similar = createSimilarItems({ vectors, models });
  });
  after(() => test.drop());

  const ids = (page: SimilarItemsPage | undefined): number[] =>
    page?.items.map(({ productId }) => Number(productId)) ?? [];
  const none = { fallback: "NONE" } as const;

  it("are the category's, one of a group, without the own group, nearest pair of photos first", async () => {
    const page = await similar.toProduct("prod_1", { first: 10, options: none });
    assert.deepEqual(ids(page), [2, 5, 6, 11, 12]);
    assert.deepEqual([page.hasNextPage, page.modelId, page.status], [false, modelId, "READY"]);
    const five = page.items[1]!;
    assert.ok(Math.abs(five.distance - distanceOf(16)) < 2e-3);
    assert.equal(five.matchedImageId, catalog[4]!.photos[1]!.id);
    assert.equal(five.queryImageId, catalog[0]!.photos[0]!.id);
    assert.equal(page.items[0]!.matchedImageId, catalog[1]!.photos[0]!.id);
  });

  it("name the query's photo that matched, when it has several", async () => {
    const page = await similar.toProduct("prod_5", { first: 1, options: { ...none, sameCategory: false } });
    assert.equal(page.items[0]!.productId, 3n);
    assert.equal(page.items[0]!.queryImageId, catalog[4]!.photos[1]!.id);
  });

  it("are ranked by all photos together on request, then without photos", async () => {
    const page = await similar.toProduct("prod_1", { first: 10, options: { ...none, match: "PRODUCT" } });
    const mean = unit(Float32Array.from(at(45), (value, index) => 2 * value + at(16)[index]!));
    const item = page.items.find(({ productId }) => productId === 5n)!;
    assert.ok(Math.abs(item.distance - (1 - mean[0]!)) < 2e-3);
    assert.deepEqual([item.matchedImageId, item.queryImageId], [undefined, undefined]);
    assert.deepEqual(ids(page), [2, 6, 5, 11, 12]);
  });

  it("leave the guards on request", async () => {
    const page = await similar.toProduct("prod_1", {
      first: 10,
      options: { ...none, sameCategory: false, excludeSameGroup: false },
    });
    assert.deepEqual(ids(page), [7, 4, 2, 5, 3, 6, 11, 12]);
  });

  it("find the product by any of its ids", async () => {
    assert.deepEqual(ids(await similar.toProduct("x2", { first: 1 })), [3 + 1]);
    for (const reference of ["gid://shopify/Product/x2", "prod_2"]) {
      assert.deepEqual(await similar.toProduct(reference, { first: 3 }), await similar.toProduct("x2", { first: 3 }));
    }
    assert.equal((await similar.toProduct("gid://shopify/Product/77", { first: 3 })).status, "READY");
  });

  it("say when no product or several are meant", async () => {
    for (const reference of ["prod_999", "prod_99999999999999999999", "nothing", "", "gone", "prod_10", "x'; --"]) {
      await assert.rejects(similar.toProduct(reference, { first: 3 }), { code: "PRODUCT_NOT_FOUND" }, reference);
    }
    await assert.rejects(similar.toProduct("42", { first: 3 }), {
      code: "AMBIGUOUS_PRODUCT",
      sources: ["other", "shop"],
      message: /other, shop/,
    });
  });

  it("are the newest of the category while the product's photos wait, labelled as such", async () => {
    const page = await similar.toProduct("prod_8", { first: 3 });
    assert.equal(page.status, "PENDING");
    assert.deepEqual(ids(page), [12, 11, 6]);
    assert.ok(page.hasNextPage);
    for (const item of page.items) {
      assert.deepEqual([item.reason, item.score, item.distance], ["FALLBACK", 0, 2]);
    }
    const next = await similar.toProduct("prod_8", { first: 10, after: page.items.at(-1)!.cursor });
    assert.deepEqual(ids(next), [5, 4, 3]);
    assert.deepEqual(ids(await similar.toProduct("prod_8", { first: 3, options: none })), []);
  });

  it("are filled up with the newest that are not near enough, each group once", async () => {
    const page = await similar.toProduct("prod_1", { first: 10, options: { minScore: 0.98 } });
    assert.deepEqual(
      page.items.map(({ productId, reason }) => [Number(productId), reason]),
      [
        [2, "VISUAL"],
        [5, "VISUAL"],
        [12, "FALLBACK"],
        [11, "FALLBACK"],
        [8, "FALLBACK"],
        [6, "FALLBACK"],
      ],
    );
  });

  it("of many products come from one statement", async () => {
    const { query } = database;
    const fresh = createSimilarItems({ vectors: createVectors({ database, logger: testLogger }), models });
    await fresh.toProduct("prod_1", { first: 3 });
    const statements: string[] = [];
    const counted = {
      ...database,
      query: ((text, ...rest) => {
        statements.push(text);
        return query(text, ...rest);
      }) as Database["query"],
    };
    const many = createSimilarItems({ vectors: createVectors({ database: counted, logger: testLogger }), models });
    await many.toProducts([1n], { first: 2 });
    statements.length = 0;
    const pages = await many.toProducts([1n, 2n, 3n, 999n, 1n], { first: 2 });
    assert.equal(statements.length, 1);
    assert.deepEqual([...pages.keys()].sort(), [1n, 2n, 3n]);
    for (const [id, page] of pages) {
      assert.deepEqual(page, await similar.toProduct(`prod_${id}`, { first: 2 }), `product ${id}`);
    }
    const after = pages.get(1n)!.items.at(-1)!.cursor;
    assert.deepEqual(
      (await many.toProducts([1n], { first: 9, after })).get(1n),
      await similar.toProduct("prod_1", { first: 9, after }),
    );
    assert.equal((await many.toProducts([], { first: 2 })).size, 0);
  });

  it("of a picture", async () => {
    const page = await similar.toPicture({ modelId, vector: at(12) }, { first: 3 });
    assert.deepEqual(ids(page), [2, 5, 4]);
    assert.equal(page.status, "READY");
    assert.equal(page.items[1]!.matchedImageId, catalog[4]!.photos[1]!.id);
    assert.equal(page.items[1]!.queryImageId, undefined);
    const next = await similar.toPicture({ modelId, vector: at(12) }, { first: 30, after: page.items.at(-1)!.cursor });
    assert.deepEqual(ids(next), [7, 6, 11, 12]);
    const chairs = await similar.toPicture(
      { modelId, vector: at(12) },
      { first: 9, filter: { categories: [["chairs"]] } },
    );
    assert.deepEqual(
      chairs.items.map(({ productId, reason }) => [Number(productId), reason]),
      [
        [7, "VISUAL"],
        [9, "FALLBACK"],
      ],
    );
    await assert.rejects(similar.toPicture({ modelId, vector: new Float32Array(3).fill(1) }, { first: 3 }), {
      code: "VECTOR_LENGTH_WRONG",
    });
  });

  it("refuse pages and scores that make no sense", async () => {
    for (const first of [0, -1, 101, 1.5, Number.NaN]) {
      await assert.rejects(similar.toProduct("prod_1", { first }), { code: "BAD_USER_INPUT", field: ["first"] });
    }
    for (const minScore of [-0.1, 1.1, Number.NaN]) {
      await assert.rejects(similar.toProduct("prod_1", { first: 1, options: { minScore } }), {
        code: "BAD_USER_INPUT",
      });
    }
    await assert.rejects(similar.toProduct("prod_1", { first: 1, after: "forged" }), {
      code: "BAD_USER_INPUT",
      field: ["after"],
    });
  });

  it("come from the model that is active at that moment; a page keeps to the model of its cursor", async () => {
    const page = await similar.toProduct("prod_1", { first: 2, options: none });
    const after = page.items.at(-1)!.cursor;
    const next = await models.ensureBase({ name: "test", digest: "b", dims: 4 });
    const turned = catalog.flatMap(({ photos }) =>
      photos.flatMap(({ blobId, vector }) =>
        vector === undefined ? [] : [{ blobId, vector: vector.map((value) => -value) }],
      ),
    );
    await database.transaction(async (sql) => {
      await vectors.writePhotos(sql, next.id, turned);
      await vectors.refreshShowing(
        sql,
        next.id,
        turned.map(({ blobId }) => blobId),
      );
    });
    const preview = await similar.toProduct("prod_1", { first: 2, options: { ...none, modelId: next.id } });
    assert.equal(preview.modelId, next.id);
    assert.equal((await similar.toProduct("prod_1", { first: 2 })).modelId, modelId);

    assert.equal((await models.settle())?.id, next.id);
    assert.equal((await similar.toProduct("prod_1", { first: 2 })).modelId, next.id);
    const rest = await similar.toProduct("prod_1", { first: 9, after, options: none });
    assert.deepEqual([rest.modelId, ids(rest)], [modelId, [6, 11, 12]]);

    await database.transaction((sql) => vectors.dropPartitions(sql, modelId));
    await assert.rejects(similar.toProduct("prod_1", { first: 9, after, options: none }), {
      code: "BAD_USER_INPUT",
      field: ["after"],
      message: /model version that is gone/,
    });
    await assert.rejects(similar.toProduct("prod_1", { first: 9, options: { modelId } }), {
      code: "MODEL_VECTORS_GONE",
    });
    await assert.rejects(similar.toProduct("prod_1", { first: 9, options: { modelId: 12_345 } }), {
      code: "MODEL_VECTORS_GONE",
    });
    assert.equal((await similar.toProduct("prod_1", { first: 2 })).modelId, next.id);
  });
});
