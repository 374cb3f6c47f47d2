import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { createBlobStore } from "../../src/catalog/photos/blob-store.js";
import type { BlobStore } from "../../src/catalog/photos/blob-store.type.js";
import type { Database } from "../../src/database/database.type.js";
import { createEmbedder, createEmbedPhotos, type Embedder } from "../../src/embedding/index.js";
import type { Job } from "../../src/jobs/index.js";
import { createModelVersions, type ModelVersion } from "../../src/models/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { TINY_DIMS, tinyEncoder } from "../support/embedding-tiny-encoder.js";
import { gradient } from "../support/photos-samples.js";

describeOnBothDatabases("embedding photos", (open) => {
  let opened: TestDatabase;
  let database: Database;
  let blobs: BlobStore;
  let vectors: Vectors;
  let model: ModelVersion;
  let embedder: Embedder;
  let models: ReturnType<typeof createModelVersions>;
  let embedded: number;

  before(async () => {
    opened = await open();
    database = opened.database;
    blobs = createBlobStore({ blobStore: "file", data: opened.config.data });
    vectors = createVectors({ database, logger: testLogger });
    models = createModelVersions({ database, vectors, logger: testLogger });
    model = await models.ensureBase({ name: "tiny", digest: "tiny-digest", dims: TINY_DIMS });
    embedder = await createEmbedder({ encoder: await tinyEncoder(), device: "cpu", threads: 1, logger: testLogger });
  });
  after(async () => {
    await embedder.close();
    await opened.drop();
  });
  beforeEach(async () => {
    embedded = 0;
    await database.query("TRUNCATE product, image_blob, vectors.photo_vector, vectors.product_vector CASCADE");
    await database.query("UPDATE model_version SET state = 'ACTIVE', deleted_at = NULL WHERE id = $1", [model.id]);
  });

  /** The handler with the real stages; `between` runs when the vectors are computed and nothing is written yet. */
  function handler(between: () => Promise<unknown> = async () => undefined) {
    return createEmbedPhotos({
      database,
      blobs,
      models,
      vectors,
      logger: testLogger,
      embedders: {
        forModel: async () => ({
          ...embedder,
          embed: async (photos, signal) => {
            embedded += photos.length;
            const results = await embedder.embed(photos, signal);
            await between();
            return results;
          },
        }),
      },
    });
  }

  let jobs = 0;
  const job = (blobId: bigint, modelId = model.id): Job<"embed-photo"> => ({
    id: `job-${++jobs}`,
    data: { blobId: blobId.toString(), modelId },
    retryCount: 0,
  });
  const signal = new AbortController().signal;

  async function keep(bytes: Buffer): Promise<bigint> {
    const contentHash = createHash("sha256").update(bytes).digest("hex");
    await blobs.write(contentHash, bytes);
    const [row] = await database.query<{ id: bigint }>(
      "INSERT INTO image_blob (content_hash, mime, width, height, bytes) VALUES ($1, 'image/jpeg', 8, 8, $2) RETURNING id",
      [contentHash, bytes.length],
    );
    return row!.id;
  }
  /** Where the store keeps a content. */
  async function fileOf(blobId: bigint): Promise<string> {
    const [row] = await database.query<{ hash: string }>("SELECT content_hash AS hash FROM image_blob WHERE id = $1", [
      blobId,
    ]);
    const folder = opened.config.data;
    const files = await readdir(folder, { recursive: true });
    return path.join(folder, files.find((file) => path.basename(file).startsWith(row!.hash))!);
  }
  const photo = (hue: number) => gradient(24).modulate({ hue }).jpeg().toBuffer();

  let products = 0;
  /** A product that shows these contents, in this order. */
  async function productShowing(...blobIds: bigint[]): Promise<bigint> {
    const [row] = await database.query<{ id: bigint }>(
      "INSERT INTO product (source, external_id, title, category_path, digest) VALUES ('shop', $1, 'P', '{A}', '') RETURNING id",
      [`p${++products}`],
    );
    await database.query(
      `INSERT INTO product_image (product_id, url, "position", state, blob_id)
       SELECT $1, 'https://shop.example/' || place, place, 'READY', blob FROM unnest($2::bigint[]) WITH ORDINALITY AS b (blob, place)`,
      [row!.id, blobIds],
    );
    return row!.id;
  }

  const numbersOf = (text: string): number[] => JSON.parse(text) as number[];
  async function photoVectors(): Promise<Map<bigint, number[]>> {
    const rows = await database.query<{ blob_id: bigint; vec: string }>(
      "SELECT blob_id, vec::text AS vec FROM vectors.photo_vector ORDER BY blob_id",
    );
    return new Map(rows.map(({ blob_id, vec }) => [blob_id, numbersOf(vec)]));
  }
  async function productVectors(): Promise<Map<bigint, number[]>> {
    const rows = await database.query<{ product_id: bigint; vec: string }>(
      "SELECT product_id, vec::text AS vec FROM vectors.product_vector ORDER BY product_id",
    );
    return new Map(rows.map(({ product_id, vec }) => [product_id, numbersOf(vec)]));
  }
  const assertNear = (actual: readonly number[] | undefined, expected: ArrayLike<number>): void => {
    assert.equal(actual?.length, expected.length);
    actual?.forEach((value, at) => {
      assert.ok(Math.abs(value - expected[at]!) < 2e-3, `${value} is not ${expected[at]} at ${at}`);
    });
  };

  test("writes each photo's vector, and the products' means with the first photo twice", async () => {
    const bytes = [await photo(0), await photo(120)];
    const [first, second] = [await keep(bytes[0]!), await keep(bytes[1]!)];
    const both = await productShowing(first, second);
    const one = await productShowing(second);
    assert.deepEqual(await handler()([job(first), job(second)], signal), new Map());
    const [u, v] = (await embedder.embed(bytes)) as Float32Array[];
    const written = await photoVectors();
    assertNear(written.get(first), u!);
    assertNear(written.get(second), v!);
    const mean = Array.from(u!, (value, at) => 2 * value + v![at]!);
    const length = Math.hypot(...mean);
    const shown = await productVectors();
    assertNear(
      shown.get(both),
      mean.map((value) => value / length),
    );
    assertNear(shown.get(one), v!);
  });

  test("embeds a content once, however many products and jobs name it, and not again", async () => {
    const blob = await keep(await photo(30));
    await productShowing(blob);
    await productShowing(blob);
    await handler()([job(blob), job(blob)], signal);
    await handler()([job(blob)], signal);
    assert.equal(embedded, 1);
    assert.equal((await productVectors()).size, 2);
  });

  test("gives a product that began to show an embedded photo its vector", async () => {
    const blob = await keep(await photo(30));
    await productShowing(blob);
    await handler()([job(blob)], signal);
    const later = await productShowing(blob);
    assert.equal((await productVectors()).has(later), false);
    await handler()([job(blob)], signal);
    assert.equal((await productVectors()).has(later), true);
    assert.equal(embedded, 1);
  });

  test("passes over photos that nobody shows, that are gone, and models that are not live", async () => {
    const [unshown, ofDeleted, shown] = [
      await keep(await photo(1)),
      await keep(await photo(2)),
      await keep(await photo(3)),
    ];
    const deleted = await productShowing(ofDeleted);
    await productShowing(shown);
    await database.query("UPDATE product SET deleted_at = now() WHERE id = $1", [deleted]);
    const failures = await handler()([job(unshown), job(ofDeleted), job(999_999n), job(shown, 77)], signal);
    assert.deepEqual(failures, new Map());
    assert.equal(embedded, 0);
    assert.equal((await photoVectors()).size, 0);
  });

  test("writes nothing when the model is deleted while it computes", async () => {
    const blob = await keep(await photo(30));
    await productShowing(blob);
    const remove = () =>
      database.query("UPDATE model_version SET state = 'RETIRED', deleted_at = now() WHERE id = $1", [model.id]);
    await handler(remove)([job(blob)], signal);
    assert.equal(embedded, 1);
    assert.equal((await photoVectors()).size, 0);
    assert.equal((await productVectors()).size, 0);
  });

  test("does not revive a content that is removed while it computes", async () => {
    const [gone, stays] = [await keep(await photo(1)), await keep(await photo(2))];
    await productShowing(gone);
    await productShowing(stays);
    const remove = async () => {
      await database.query("DELETE FROM product_image WHERE blob_id = $1", [gone]);
      await database.query("DELETE FROM image_blob WHERE id = $1", [gone]);
    };
    await handler(remove)([job(gone), job(stays)], signal);
    assert.deepEqual([...(await photoVectors()).keys()], [stays]);
  });

  test("records an unreadable photo on every product that shows it, and embeds the others", async () => {
    const whole = await photo(9);
    const cut = await keep(whole.subarray(0, whole.length - 30));
    const good = await keep(await photo(10));
    const only = await productShowing(cut);
    const other = await productShowing(good, cut);
    const failures = await handler()([job(cut), job(good)], signal);
    assert.deepEqual(failures, new Map());
    const rows = await database.query<Record<string, unknown>>(
      `SELECT product_id, state, failure_code, retryable, blob_id FROM product_image
       WHERE failure_code IS NOT NULL ORDER BY product_id`,
    );
    const failed = { state: "FAILED", failure_code: "PHOTO_TRUNCATED", retryable: false, blob_id: null };
    assert.deepEqual(rows, [
      { product_id: only, ...failed },
      { product_id: other, ...failed },
    ]);
    assert.deepEqual([...(await productVectors()).keys()], [other]);
  });

  test("takes away the vector of a product whose only readable photo turns out unreadable", async () => {
    const whole = await photo(9);
    const good = await keep(whole);
    const product = await productShowing(good);
    await handler()([job(good)], signal);
    assert.equal((await productVectors()).has(product), true);
    const cut = await keep(whole.subarray(0, whole.length - 30));
    await database.query("UPDATE product_image SET blob_id = $1 WHERE product_id = $2", [cut, product]);
    await handler()([job(cut)], signal);
    assert.equal((await productVectors()).has(product), false);
  });

  test("records a photo that the store lost or has damaged, to be fetched again, and embeds the others", async () => {
    const [lost, damaged, good] = [
      await keep(await photo(10)),
      await keep(await photo(11)),
      await keep(await photo(12)),
    ];
    for (const [blob, change] of [
      [lost, (file: string) => rm(file)],
      [damaged, (file: string) => writeFile(file, "not these bytes")],
    ] as const)
      await change(await fileOf(blob));
    const bare = await productShowing(lost, damaged);
    const other = await productShowing(good, lost);
    assert.deepEqual(await handler()([job(lost), job(damaged), job(good)], signal), new Map());
    const rows = await database.query<Record<string, unknown>>(
      `SELECT product_id, state, failure_code, retryable, blob_id FROM product_image
       WHERE failure_code IS NOT NULL ORDER BY product_id, "position"`,
    );
    const failed = { state: "FAILED", retryable: true, blob_id: null };
    assert.deepEqual(rows, [
      { product_id: bare, ...failed, failure_code: "BLOB_MISSING" },
      { product_id: bare, ...failed, failure_code: "BLOB_DAMAGED" },
      { product_id: other, ...failed, failure_code: "BLOB_MISSING" },
    ]);
    assert.deepEqual([...(await photoVectors()).keys()], [good]);
    assert.deepEqual([...(await productVectors()).keys()], [other]);
  });

  test("asks for another try of a photo that the store cannot give at the moment, and embeds the others", async () => {
    const [away, good] = [await keep(await photo(10)), await keep(await photo(11))];
    await productShowing(away);
    await productShowing(good);
    const file = await fileOf(away);
    await rm(file);
    await mkdir(file);
    const failing = job(away);
    const failures = await handler()([failing, job(good)], signal);
    await rm(file, { recursive: true });
    assert.deepEqual([...failures.keys()], [failing.id]);
    assert.deepEqual([...(await photoVectors()).keys()], [good]);
  });

  test("lets a model whose encoder is missing fail alone", async () => {
    const blob = await keep(await photo(10));
    await productShowing(blob);
    const candidate = await models.ensureBase({ name: "other", digest: "other-digest", dims: TINY_DIMS });
    const embedPhotos = createEmbedPhotos({
      database,
      blobs,
      models,
      vectors,
      logger: testLogger,
      embedders: {
        forModel: async (id) => {
          if (id === candidate.id) throw new Error("no such encoder");
          return embedder;
        },
      },
    });
    const failing = job(blob, candidate.id);
    const failures = await embedPhotos([failing, job(blob)], signal);
    assert.deepEqual([...failures.keys()], [failing.id]);
    assert.equal((await photoVectors()).size, 1);
    await database.query("UPDATE model_version SET state = 'RETIRED' WHERE id = $1", [candidate.id]);
  });

  test("leaves nothing behind when it is stopped", async () => {
    const blob = await keep(await photo(30));
    await productShowing(blob);
    const controller = new AbortController();
    const stop = async () => controller.abort(new Error("shutting down"));
    await assert.rejects(handler(stop)([job(blob)], controller.signal), /shutting down/);
    assert.equal((await photoVectors()).size, 0);
  });
});
