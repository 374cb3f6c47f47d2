import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Database } from "../../src/database/database.type.js";
import { createModelVersions } from "../../src/models/index.js";
import { createSimilarItems, type SimilarItems } from "../../src/similar/index.js";
import { createVectors, type NeighbourFilter } from "../../src/vectors/index.js";
import { openTestDatabase, postgresMissing, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom } from "../support/random-catalog.js";

const DIMS = 16;
const PRODUCTS = 6000;
const FIRST = 20;

/** Shares of the catalog by a brand of their own, unrelated to how the products look. */
const SHARES = [
  ["half a percent", "rare", 0.005],
  ["five percent", "some", 0.05],
  ["half", "many", 0.5],
] as const;

describe("the plan of a filtered search", { skip: postgresMissing }, () => {
  let test: TestDatabase;
  let database: Database;
  let similar: SimilarItems;
  let modelId: number;
  const statements: { text: string; values: readonly unknown[] }[] = [];

  before(async () => {
    test = await openTestDatabase("postgres");
    const { query } = test.database;
    database = {
      ...test.database,
      query: ((text, values = [], ...rest) => {
        if (text.includes("nearest")) statements.push({ text, values });
        return query(text, values, ...rest);
      }) as Database["query"],
    };
    const vectors = createVectors({ database, logger: testLogger, hnswFromProducts: 1000 });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
    await fill(test.database, modelId);
    assert.equal(await vectors.ensureIndex(modelId), "hnsw");
    await database.query("ANALYZE");
    similar = createSimilarItems({ vectors, models });
  });
  after(() => test.drop());

  async function search(filter: NeighbourFilter, id: number) {
    statements.length = 0;
    const page = await similar.toProduct(`prod_${id}`, {
      first: FIRST,
      filter,
      options: { sameCategory: false, fallback: "NONE" },
    });
    assert.equal(statements.length, 1, "one statement");
    const { text, values } = statements[0]!;
    const plan = await test.database.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, values);
    return { page, plan: plan.map((row) => row["QUERY PLAN"]).join("\n") };
  }

  for (const [name, brand, share] of SHARES) {
    it(`at ${name} is ${share < 0.25 ? "exact, over the filter's own index" : "the HNSW index"}, and misses nearly nothing`, async () => {
      const filter = { brands: [brand] };
      let [found, expected] = [0, 0];
      for (let id = 7; id < PRODUCTS; id += 311) {
        const { page, plan } = await search(filter, id);
        if (share < 0.25) {
          assert.match(plan, /product_vector_\d+_brand_idx/);
          assert.doesNotMatch(plan, /_hnsw/);
        } else {
          assert.match(plan, /Index Scan using product_vector_\d+_hnsw/);
          assert.doesNotMatch(plan, /_brand_idx/);
        }
        const truth = await test.database.query<{ id: bigint }>(
          `SELECT v.product_id AS id FROM vectors.product_vector v, vectors.product_vector s
           WHERE v.model_id = $1 AND s.model_id = $1 AND s.product_id = $2 AND v.product_id <> $2 AND v.brand = $3
           ORDER BY v.vec <#> s.vec, v.product_id LIMIT ${FIRST}`,
          [modelId, id, brand],
        );
        const shown = new Set(page.items.map(({ productId }) => productId));
        expected += truth.length;
        found += truth.filter((row) => shown.has(row.id)).length;
      }
      assert.ok(found / expected >= (share < 0.25 ? 1 : 0.95), `recall ${found / expected}`);
    });
  }

  it("is exact around a category that leaves little, and for prices near the product's own", async () => {
    const { plan } = await search({ relativePrice: { min: 0.99, max: 1.01 } }, 7);
    assert.doesNotMatch(plan, /_hnsw/);
    const wide = await search({ relativePrice: { min: 0.01 } }, 7);
    assert.match(wide.plan, /_hnsw/);
  });
});

/** Products of one photo each, whose brand, price and looks have nothing to do with each other. */
async function fill(database: Database, modelId: number): Promise<void> {
  const random = createRandom(41);
  const brandOf = (draw: number): string =>
    draw < 0.005 ? "rare" : draw < 0.055 ? "some" : draw < 0.555 ? "many" : "rest";
  const ids = Array.from({ length: PRODUCTS }, (_, at) => at + 1);
  const brands = ids.map(() => brandOf(random.below(1_000_000) / 1_000_000));
  const prices = ids.map(() => 100 + random.below(100_000));
  await database.query(
    `INSERT INTO product (id, source, external_id, title, brand, category_path, price_minor, currency, digest)
     SELECT id, 'plans', id::text, 'A product', brand, '{all}', price, 'EUR', ''
     FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS p (id, brand, price)`,
    [ids, brands, prices],
  );
  const vectors = ids.map(() => `[${random.vector(DIMS).join(",")}]`);
  await database.query(
    `INSERT INTO vectors.product_vector (model_id, product_id, vec, category_path, brand, price_minor, currency,
       in_stock, status, image_ids, blob_ids)
     SELECT $1::int, id, vec::vector::halfvec, '{all}', brand, price, 'EUR', true, 'ACTIVE', ARRAY[id], ARRAY[id]
     FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[]) AS p (id, vec, brand, price)`,
    [modelId, ids, vectors, brands, prices],
  );
}
