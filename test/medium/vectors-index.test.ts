import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Database } from "../../src/database/database.type.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors, type Vectors, type WindowRequest } from "../../src/vectors/index.js";
import { windowStatement } from "../../src/vectors/search-sql.js";
import type { ScanChoice } from "../../src/vectors/selectivity.js";
import { openTestDatabase, postgresMissing, type TestDatabase, testLogger } from "../support/database.js";
import { drawCatalog, loadCatalog } from "../support/random-catalog.js";

const DIMS = 16;

describe("the HNSW index (postgres)", { skip: postgresMissing }, () => {
  let test: TestDatabase;
  let database: Database;
  let modelId: number;
  let vectors: Vectors;

  before(async () => {
    test = await openTestDatabase("postgres");
    database = test.database;
    vectors = createVectors({ database, logger: testLogger, hnswFromProducts: 1000 });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
    await loadCatalog(database, vectors, modelId, drawCatalog(3, 3000, DIMS));
    await database.query("ANALYZE");
  });
  after(() => test.drop());

  const request: WindowRequest = {
    modelId: 0,
    seeds: { by: "product", ids: [1n] },
    filter: {},
    sameCategory: false,
    oneOfGroup: true,
    match: "BEST_IMAGE",
    limit: 13,
    scan: "auto",
  };

  async function plan(change: Partial<WindowRequest>, choice: ScanChoice): Promise<string> {
    const statement = windowStatement({ ...request, ...change }, { id: modelId, dims: DIMS }, choice, "postgres", true);
    const rows = await database.query<{ "QUERY PLAN": string }>(`EXPLAIN ${statement.text}`, statement.values);
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  }

  it("is not built for few products, and built once for many", async () => {
    const small = createVectors({ database, logger: testLogger, hnswFromProducts: 100_000 });
    assert.equal(await small.ensureIndex(modelId), "exact");
    assert.doesNotMatch(await plan({}, { scan: "hnsw" }), /_hnsw/);
    assert.equal(await vectors.ensureIndex(modelId), "hnsw");
    const oid = () => database.query("SELECT to_regclass($1)::oid", [`vectors.product_vector_${modelId}_hnsw`]);
    const before = await oid();
    assert.equal(await vectors.ensureIndex(modelId), "hnsw");
    assert.deepEqual(await oid(), before);
    assert.equal(await vectors.ensureIndex(987_654), "exact");
  });

  it("is built again when a build was killed", async () => {
    const index = `vectors.product_vector_${modelId}_hnsw`;
    await database.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${index}'::regclass`);
    assert.equal(await vectors.ensureIndex(modelId), "hnsw");
    const [row] = await database.query<{ indisvalid: boolean }>(
      `SELECT indisvalid FROM pg_index WHERE indexrelid = '${index}'::regclass`,
    );
    assert.equal(row?.indisvalid, true);
  });

  it("answers the HNSW search, also with filters and in later windows, and never the exact one", async () => {
    const filter = { brands: ["Acme"], inStock: true, price: { currency: "EUR", minMinor: 5n } };
    const start = { rank: -0.5, productId: 3n };
    for (const change of [{}, { filter }, { start }, { sameCategory: true }, { match: "PRODUCT" as const }]) {
      assert.match(await plan(change, { scan: "hnsw" }), /Index Scan using product_vector_\d+_hnsw/);
      assert.doesNotMatch(await plan(change, { scan: "exact" }), /_hnsw/);
    }
  });

  it("is taken by the seeds of broad categories only, when the choice is theirs", async () => {
    const text = await plan({ sameCategory: true }, { scan: "by-category", filling: [], broad: ["shoes"] });
    assert.match(text, /_hnsw/);
    assert.match(text, /category_path/);
  });

  it("is chosen when a filter leaves much, and not when it leaves little", async () => {
    const scanOf = async (change: Partial<WindowRequest>): Promise<string | undefined> =>
      (await vectors.search.windows({ ...request, modelId, ...change })).windows[0]?.scan;
    const [bags] = await database.query<{ id: bigint }>(
      `SELECT product_id AS id FROM vectors.product_vector WHERE category_path = '{bags}' LIMIT 1`,
    );
    const [shoes] = await database.query<{ id: bigint }>(
      `SELECT product_id AS id FROM vectors.product_vector WHERE category_path = '{shoes}' LIMIT 1`,
    );
    const of = (id: bigint): Partial<WindowRequest> => ({ seeds: { by: "product", ids: [id] } });
    assert.equal(await scanOf(of(bags!.id)), "hnsw");
    assert.equal(await scanOf({ ...of(bags!.id), sameCategory: true }), "exact");
    assert.equal(await scanOf({ ...of(shoes!.id), sameCategory: true }), "hnsw");
    assert.equal(await scanOf({ ...of(bags!.id), filter: { statuses: ["DRAFT"] } }), "exact");
  });

  it("keeps vectors of 1280 dimensions inside the row", async () => {
    await database.transaction(async (sql) => {
      await sql.query(
        `INSERT INTO model_version (id, name, encoder, encoder_digest, dims, state)
         VALUES (500, 'wide', 'wide', 'wide', 1280, 'CANDIDATE')`,
      );
      await vectors.createPartitions(sql, 500, 1280);
      await vectors.writePhotos(sql, 500, [
        { blobId: 1n, vector: new Float32Array(1280).map((_, at) => Math.sin(at)) },
      ]);
    });
    const [size] = await database.query<{ bytes: bigint }>(
      `SELECT pg_relation_size(reltoastrelid) AS bytes FROM pg_class WHERE oid = 'vectors.photo_vector_500'::regclass`,
    );
    assert.equal(size?.bytes, 0n);
    await database.transaction((sql) => vectors.dropPartitions(sql, 500));
  });
});
