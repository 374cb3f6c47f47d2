import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createModelVersions, type ModelVersions, NoActiveModel } from "../../src/models/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { drawCatalog, loadCatalog, type RandomProduct } from "../support/random-catalog.js";

const DIMS = 4;

describeOnBothDatabases("model versions", (open) => {
  let test: TestDatabase;
  let vectors: Vectors;
  let models: ModelVersions;
  let catalog: RandomProduct[];

  before(async () => {
    test = await open();
    vectors = createVectors({ database: test.database, logger: testLogger });
    models = createModelVersions({ database: test.database, vectors, logger: testLogger });
    catalog = drawCatalog(21, 30, DIMS);
  });
  after(() => test.drop());

  it("say so when there is none", async () => {
    await assert.rejects(models.active(), NoActiveModel);
    await assert.rejects(models.base(), NoActiveModel);
    assert.equal(await models.find(1), undefined);
    assert.equal(await models.find(2 ** 40), undefined);
    assert.deepEqual(await models.live(), []);
    assert.equal(await models.settle(), undefined);
  });

  it("register the encoder once, whoever comes first", async () => {
    const found = await Promise.all(
      Array.from({ length: 8 }, () => models.ensureBase({ name: "tiny", digest: "first", dims: DIMS })),
    );
    assert.equal(new Set(found.map(({ id }) => id)).size, 1);
    assert.deepEqual(await models.active(), found[0]);
    assert.deepEqual(await models.base(), found[0]);
    assert.deepEqual(await models.find(found[0]!.id), found[0]);
    assert.deepEqual(found[0], { ...found[0], encoder: "tiny", encoderDigest: "first", dims: DIMS, state: "ACTIVE" });
  });

  it("keep the old one answering until the new one is complete", async () => {
    const old = await models.active();
    await loadCatalog(test.database, vectors, old.id, catalog);
    const next = await models.ensureBase({ name: "tiny", digest: "second", dims: 6 });
    assert.equal(next.state, "CANDIDATE");
    assert.deepEqual(
      (await models.live()).map(({ id }) => id),
      [old.id, next.id],
    );
    assert.equal((await models.active()).id, old.id);
    assert.equal(await models.settle(), undefined);

    const blobs = [
      ...new Set(catalog.flatMap(({ photos }) => photos.filter(({ vector }) => vector).map(({ blobId }) => blobId))),
    ];
    const vector = Float32Array.of(1, 0, 0, 0, 0, 0);
    const embed = (ids: readonly bigint[]) =>
      test.database.transaction(async (sql) => {
        await vectors.writePhotos(
          sql,
          next.id,
          ids.map((blobId) => ({ blobId, vector })),
        );
        await vectors.refreshShowing(sql, next.id, ids);
      });
    await embed(blobs.slice(0, 3));
    assert.equal(await models.settle(), undefined);
    await embed(blobs);
    assert.equal((await models.settle())?.id, next.id);
    assert.equal((await models.active()).id, next.id);
    assert.equal((await models.find(old.id))?.state, "RETIRED");
    assert.equal(await models.settle(), undefined);
  });

  it("register an encoder again that was retired", async () => {
    const again = await models.ensureBase({ name: "tiny", digest: "first", dims: DIMS });
    assert.equal(again.state, "CANDIDATE");
    // The active one, the candidate, and the one to roll back to.
    assert.equal((await models.live()).length, 3);
  });

  it("do not put an encoder in the place of a trained model", async () => {
    await test.database.query(
      `UPDATE model_version SET parent_id = (SELECT min(id) FROM model_version) WHERE state = 'ACTIVE'`,
    );
    await test.database.query("DELETE FROM vectors.product_vector");
    assert.equal(await models.settle(), undefined);
  });
});
