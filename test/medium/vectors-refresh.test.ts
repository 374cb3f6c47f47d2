import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { Database } from "../../src/database/database.type.js";
import { createModelVersions } from "../../src/models/index.js";
import { createVectors, VectorLengthWrong, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { createRandom, drawCatalog, loadCatalog, type RandomProduct, unit } from "../support/random-catalog.js";
import { productVector } from "../support/similar-oracle.js";

const DIMS = 12;

interface Row {
  product_id: bigint;
  vec: string;
  group_key: string | null;
  brand: string | null;
  price_minor: bigint | null;
  in_stock: boolean;
  status: string;
  category_path: string[];
  image_ids: bigint[];
}

describeOnBothDatabases("product vectors", (open, kind) => {
  let test: TestDatabase;
  let database: Database;
  let vectors: Vectors;
  let catalog: RandomProduct[];
  let modelId: number;

  before(async () => {
    test = await open();
    database = test.database;
    vectors = createVectors({ database, logger: testLogger });
    const models = createModelVersions({ database, vectors, logger: testLogger });
    modelId = (await models.ensureBase({ name: "test", digest: "a", dims: DIMS })).id;
    catalog = drawCatalog(11, 60, DIMS);
    await loadCatalog(database, vectors, modelId, catalog);
  });
  after(() => test.drop());

  const rowOf = async (id: bigint): Promise<Row | undefined> => {
    const [row] = await database.query<Row>(
      "SELECT * FROM vectors.product_vector WHERE model_id = $1 AND product_id = $2",
      [modelId, id],
    );
    return row;
  };
  const vectorOf = async (id: bigint): Promise<number[]> => JSON.parse((await rowOf(id))!.vec) as number[];
  const refreshed = (statement: string, parameters: unknown[], ids: bigint[]) =>
    database.transaction(async (sql) => {
      await sql.query(statement, parameters);
      await vectors.refresh(sql, ids);
    });
  const withPhotos = (count: number): RandomProduct =>
    catalog.find(
      ({ photos, deleted }) =>
        !deleted && photos.length === count && photos.every(({ vector }) => vector !== undefined),
    )!;
  const close = (found: ArrayLike<number>, expected: ArrayLike<number>): void => {
    assert.equal(found.length, expected.length);
    for (let at = 0; at < found.length; at++) assert.ok(Math.abs(found[at]! - expected[at]!) < 1e-3, `${at}`);
  };

  it("are the mean of the photos, the first one twice, of unit length", async () => {
    let several = 0;
    for (const product of catalog) {
      const expected = product.deleted ? undefined : productVector(product);
      const row = await rowOf(product.id);
      assert.equal(row === undefined, expected === undefined, `product ${product.id}`);
      if (row === undefined || expected === undefined) continue;
      close(JSON.parse(row.vec) as number[], expected);
      const embedded = product.photos.filter(({ vector }) => vector !== undefined);
      assert.deepEqual(
        row.image_ids,
        embedded.map(({ id }) => id),
      );
      several += Number(embedded.length > 1);
    }
    assert.ok(several > 5);
  });

  it("follow every filter column", async () => {
    const { id } = withPhotos(1);
    await refreshed(
      `UPDATE product SET group_key = 'new', brand = NULL, price_minor = 4, currency = 'JPY', in_stock = false,
         status = 'DRAFT', category_path = '{a,b}' WHERE id = $1`,
      [id],
      [id],
    );
    const row = await rowOf(id);
    assert.equal(row?.group_key?.split("\u001f")[1], "new");
    assert.deepEqual(
      [row?.brand, row?.price_minor, row?.in_stock, row?.status, row?.category_path],
      [null, 4n, false, "DRAFT", ["a", "b"]],
    );
  });

  it("follow photos that come, move and go", async () => {
    const product = withPhotos(2);
    const [first, second] = product.photos.map(({ vector }) => vector!);
    const mean = (...photos: Float32Array[]) =>
      unit(Array.from({ length: DIMS }, (_, at) => photos.reduce((sum, photo) => sum + photo[at]!, 0)));
    close(await vectorOf(product.id), mean(first!, first!, second!));
    await refreshed(
      "UPDATE product_image SET position = 1 - position WHERE product_id = $1",
      [product.id],
      [product.id],
    );
    close(await vectorOf(product.id), mean(second!, second!, first!));
    await refreshed("UPDATE product_image SET state = 'FAILED' WHERE id = $1", [product.photos[0]!.id], [product.id]);
    close(await vectorOf(product.id), second!);
    await refreshed("DELETE FROM product_image WHERE product_id = $1", [product.id], [product.id]);
    assert.equal(await rowOf(product.id), undefined);
  });

  it("go with the product and come back with it", async () => {
    const product = withPhotos(3);
    await refreshed("UPDATE product SET deleted_at = now() WHERE id = $1", [product.id], [product.id]);
    assert.equal(await rowOf(product.id), undefined);
    await refreshed("UPDATE product SET deleted_at = NULL WHERE id = $1", [product.id], [product.id]);
    close(await vectorOf(product.id), productVector(product)!);
  });

  it("are made for every product that shows a photo, once it is embedded", async () => {
    const blob = 5000n;
    const vector = createRandom(1).vector(DIMS);
    const ids = catalog
      .filter(({ photos, deleted }) => photos.length === 0 && !deleted)
      .map(({ id }) => id)
      .slice(0, 2);
    await database.query(
      "INSERT INTO image_blob (id, content_hash, mime, width, height, bytes) VALUES ($1, 'shared', 'image/png', 1, 1, 1)",
      [blob],
    );
    await database.query(
      `INSERT INTO product_image (product_id, url, position, state, blob_id)
       SELECT id, 'https://shop.test/shared.png', 0, 'READY', $2 FROM unnest($1::bigint[]) id`,
      [ids, blob],
    );
    assert.deepEqual(await vectors.missing(database, [blob]), [{ blobId: blob, modelId }]);
    await database.transaction(async (sql) => {
      await vectors.writePhotos(sql, modelId, [{ blobId: blob, vector }]);
      await vectors.refreshShowing(sql, modelId, [blob]);
    });
    assert.deepEqual(await vectors.missing(database, [blob]), []);
    for (const id of ids) close(await vectorOf(id), vector);
  });

  it("of an unchanged product are not written again", async () => {
    const { id } = withPhotos(1);
    const version = () =>
      database.query("SELECT xmin::text FROM vectors.product_vector WHERE model_id = $1 AND product_id = $2", [
        modelId,
        id,
      ]);
    const before = await version();
    await database.transaction((sql) => vectors.refresh(sql, [id]));
    assert.deepEqual(await version(), before);
  });

  it("of a photo that has one are left alone, and of another length are refused", async () => {
    const { photos } = withPhotos(1);
    const { blobId, vector } = photos[0]!;
    const other = createRandom(2).vector(DIMS);
    await database.transaction((sql) => vectors.writePhotos(sql, modelId, [{ blobId, vector: other }]));
    const [row] = await database.query<{ vec: string }>(
      "SELECT vec FROM vectors.photo_vector WHERE model_id = $1 AND blob_id = $2",
      [modelId, blobId],
    );
    close(JSON.parse(row!.vec) as number[], vector!);
    await assert.rejects(
      database.transaction((sql) =>
        vectors.writePhotos(sql, modelId, [{ blobId: 9999n, vector: new Float32Array(DIMS + 1).fill(0.1) }]),
      ),
      VectorLengthWrong,
    );
  });

  if (kind === "postgres") {
    it("lose nothing when two writers change one product at once", async () => {
      const product = catalog.find(
        ({ photos, deleted }) => !deleted && photos.length > 0 && photos.every(({ vector }) => vector !== undefined),
      )!;
      const id = product.id;
      await database.query("UPDATE product SET price_minor = 1 WHERE id = $1", [id]);
      let release = (): void => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let wrote = (): void => {};
      const priceWritten = new Promise<void>((resolve) => {
        wrote = resolve;
      });
      const price = database.transaction(async (sql) => {
        await sql.query("UPDATE product SET price_minor = 777 WHERE id = $1", [id]);
        await vectors.refresh(sql, [id]);
        wrote();
        await held;
      });
      await priceWritten;
      const photo = database.transaction((sql) => vectors.refresh(sql, [id]));
      setTimeout(release, 100);
      await Promise.all([price, photo]);
      assert.equal((await rowOf(id))?.price_minor, 777n);
    });
  }
});
