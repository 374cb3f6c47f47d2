import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createModelVersions, type ModelVersion } from "../../src/models/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { decodeVector } from "../../src/vectors/vector-format.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog } from "../support/random-catalog.js";

const DIMS = 12;

describeOnBothDatabases("photo vectors in bulk", (open) => {
  let test: TestDatabase;
  let vectors: Vectors;
  let live: ModelVersion;
  let next: ModelVersion;
  const random = createRandom(5);

  before(async () => {
    test = await open();
    vectors = createVectors({ database: test.database, logger: testLogger });
    const models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    live = await models.ensureBase({ name: "tiny", digest: "a", dims: DIMS });
    await loadCatalog(test.database, vectors, live.id, drawCatalog(3, 60, DIMS));
    next = await models.ensureBase({ name: "tiny", digest: "b", dims: DIMS });
  });
  after(() => test.drop());

  const read = async (modelId: number) =>
    new Map(
      (
        await test.database.query<{ blob_id: bigint; vec: Buffer }>(
          "SELECT blob_id, vector_send(vec::vector) AS vec FROM vectors.photo_vector WHERE model_id = $1::int ORDER BY 1",
          [modelId],
        )
      ).map(({ blob_id, vec }) => [blob_id, decodeVector(vec)]),
    );
  const lacking = async () => (await vectors.lackingPage(test.database, next.id, 0n, 10_000)).contents;

  it("arrive as one at a time would, and leave alone what is there", async () => {
    const rows = (await lacking()).map(({ blobId }) => ({ blobId, vector: random.vector(DIMS) }));
    assert.ok(rows.length > 20);
    await vectors.writePhotosInBulk(next.id, rows.slice(0, 5));
    const first = await read(next.id);
    // Some are there already: somebody else embedded them meanwhile, otherwise.
    await vectors.writePhotosInBulk(
      next.id,
      rows.map(({ blobId }, at) => ({ blobId, vector: at < 5 ? random.vector(DIMS) : rows[at]!.vector })),
    );
    const all = await read(next.id);
    assert.equal(all.size, rows.length);
    for (const { blobId, vector } of rows) {
      const found = all.get(blobId)!;
      for (const [at, value] of vector.entries()) assert.ok(Math.abs(found[at]! - value) < 6e-4);
    }
    for (const [blobId, vector] of first) assert.deepEqual(all.get(blobId), vector);
    assert.deepEqual(await lacking(), []);
  });

  it("leave the connection usable when a long part fails at its first row, or the model is gone", async () => {
    // 16 MB, more than a socket holds: the server has refused the first row long before the last one is sent.
    const wide = await createModelVersions({ database: test.database, vectors, logger: testLogger }).ensureBase({
      name: "tiny",
      digest: "wide",
      dims: 2048,
    });
    const [content] = await lacking();
    assert.equal(content, undefined);
    const vector = random.vector(2048);
    const ids = (await vectors.lackingPage(test.database, wide.id, 0n, 10_000)).contents.map(({ blobId }) => blobId);
    await vectors.writePhotosInBulk(wide.id, [{ blobId: ids[0]!, vector }]);
    const rows = Array.from({ length: 4096 }, (_, at) => ({ blobId: ids[at % ids.length]!, vector }));
    await vectors.writePhotosInBulk(wide.id, rows);
    assert.equal((await read(wide.id)).size, ids.length);
    await test.database.query("UPDATE model_version SET state = 'FAILED' WHERE id = $1::int", [wide.id]);
    await test.database.query("DELETE FROM vectors.photo_vector WHERE model_id = $1::int", [wide.id]);
    for (let time = 0; time < 12; time++) await vectors.writePhotosInBulk(wide.id, rows);
    assert.equal((await read(wide.id)).size, 0);
  });

  it("make true products, a page at a time, each once", async () => {
    const gaps = await vectors.findGaps(test.database, next.id, live.id);
    assert.equal(gaps.photos, 0);
    assert.ok(gaps.products > 20);
    let refreshed = 0;
    for (let after: bigint | undefined = 0n; after !== undefined; ) {
      const from: bigint = after;
      const page = await test.database.transaction((sql) => vectors.refreshStale(sql, next.id, from, 7));
      refreshed += page.refreshed;
      after = page.last;
    }
    assert.equal(refreshed, gaps.products);
    assert.deepEqual(await vectors.findGaps(test.database, next.id, live.id), { photos: 0, products: 0 });
    // As a refresh of every product would have made them.
    const before = await test.database.query(
      "SELECT * FROM vectors.product_vector WHERE model_id = $1::int ORDER BY product_id",
      [next.id],
    );
    const ids = await test.database.query<{ id: bigint }>("SELECT id FROM product");
    await test.database.transaction((sql) =>
      vectors.refresh(
        sql,
        ids.map(({ id }) => id),
      ),
    );
    const after = await test.database.query(
      "SELECT * FROM vectors.product_vector WHERE model_id = $1::int ORDER BY product_id",
      [next.id],
    );
    assert.deepEqual(after, before);
  });

  it("are refused in another length, and not written for a model that is not live", async () => {
    await test.database.query("DELETE FROM vectors.photo_vector WHERE model_id = $1::int", [next.id]);
    const [content] = await lacking();
    const short = { blobId: content!.blobId, vector: random.vector(DIMS - 1) };
    await assert.rejects(vectors.writePhotosInBulk(next.id, [short]), { code: "VECTOR_LENGTH_WRONG" });
    await test.database.query("UPDATE model_version SET state = 'FAILED' WHERE id = $1::int", [next.id]);
    await vectors.writePhotosInBulk(next.id, [{ blobId: content!.blobId, vector: random.vector(DIMS) }]);
    assert.equal((await read(next.id)).size, 0);
  });
});
