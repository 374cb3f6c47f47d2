import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, beforeEach, it } from "node:test";
import { createGuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.js";
import type { GuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.type.js";
import { createBlobStore } from "../../src/catalog/photos/blob-store.js";
import { createFetchPhoto } from "../../src/catalog/photos/fetch-photo.job.js";
import { markContentUnreadable } from "../../src/catalog/photos/photo-fetches.repository.js";
import { createPhotoIntake } from "../../src/catalog/photos/photo-intake.js";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { loadConfig } from "../../src/config.js";
import { createJobQueue, type Job, type JobQueue } from "../../src/jobs/index.js";
import { createVectors, type Vectors } from "../../src/vectors/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";
import { jpegPhoto } from "../support/photos-samples.js";

interface ImageRow {
  state: string;
  blob_id: bigint | null;
  failure_code: string | null;
  retryable: boolean;
  attempts: number;
  etag: string | null;
  fetched_at: Date | null;
}

describeOnBothDatabases("fetch-photo", (open) => {
  let test: TestDatabase;
  let queue: JobQueue & { close(): Promise<void> };
  let vectors: Vectors;
  let fetcher: GuardedFetcher;
  let run: (job: Job<"fetch-photo">, signal: AbortSignal) => Promise<void>;
  let shop: http.Server;
  let origin: string;
  let answer: http.RequestListener;
  let asked: http.IncomingHttpHeaders[] = [];
  let photosFolder: string;
  const products = { made: 0 };
  const never = new AbortController().signal;

  before(async () => {
    test = await open();
    const config = loadConfig({}, { ...test.config, fetchAllowPrivate: true });
    const { database } = test;
    photosFolder = path.join(config.data, "photos");
    queue = await createJobQueue(database, testLogger);
    vectors = createVectors({ database, logger: testLogger });
    await database.query(
      `INSERT INTO model_version (name, encoder, encoder_digest, dims, state) VALUES ('base', 'test', 'x', 4, 'ACTIVE')`,
    );
    await database.transaction((sql) => vectors.createPartitions(sql, 1, 4));
    fetcher = createGuardedFetcher({ config, logger: testLogger });
    const blobs = createBlobStore(config);
    const intake = createPhotoIntake({ blobs, config });
    run = createFetchPhoto({ database, queue, fetcher, intake, blobs, vectors, logger: testLogger });
    shop = http.createServer((request, response) => {
      asked.push(request.headers);
      answer(request, response);
    });
    shop.listen(0, "127.0.0.1");
    await once(shop, "listening");
    origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  });
  after(async () => {
    await fetcher.close();
    shop.closeAllConnections();
    shop.close();
    await queue.close();
    await test.drop();
  });
  beforeEach(async () => {
    asked = [];
    await test.database.query("DELETE FROM pgboss.job");
  });

  const send =
    (bytes: Buffer, headers: http.OutgoingHttpHeaders = {}): http.RequestListener =>
    (_request, response) =>
      response.writeHead(200, { "content-type": "image/jpeg", ...headers }).end(bytes);
  const fail =
    (status: number, headers: http.OutgoingHttpHeaders = {}): http.RequestListener =>
    (_request, response) =>
      response.writeHead(status, headers).end();

  async function productWithPhoto(url = `${origin}/photo.jpg`): Promise<string> {
    products.made += 1;
    const [row] = await test.database.query<{ id: bigint }>(
      `WITH made AS (INSERT INTO product (source, external_id, title, category_path, digest, price_minor, currency)
                     VALUES ('shop', $1, 'Shoe', '{Shoes}', 'd', 4200, 'EUR') RETURNING id)
       INSERT INTO product_image (product_id, url, position) SELECT id, $2, 0 FROM made RETURNING id`,
      [String(products.made), url],
    );
    return String(row!.id);
  }
  const jobOf = (imageId: string): Job<"fetch-photo"> => ({ id: "job", data: { imageId }, retryCount: 0, priority: 7 });
  async function rowOf(imageId: string): Promise<ImageRow> {
    const [row] = await test.database.query<ImageRow>("SELECT * FROM product_image WHERE id = $1", [imageId]);
    return row!;
  }
  const jobs = () =>
    test.database.query<{ name: string; data: unknown; priority: number; wait: number }>(
      `SELECT name, data, priority, extract(epoch FROM start_after - created_on)::float AS wait
         FROM pgboss.job WHERE state = 'created' ORDER BY name, created_on`,
    );
  const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

  it("stores a photo and asks for its embedding, all at once", async () => {
    const photo = await jpegPhoto(40);
    answer = send(photo, { etag: '"v1"' });
    const imageId = await productWithPhoto();
    await run(jobOf(imageId), never);
    const row = await rowOf(imageId);
    assert.deepEqual(
      { ...row, blob_id: null, fetched_at: null },
      { ...row, blob_id: null, fetched_at: null, state: "READY", etag: '"v1"', failure_code: null, attempts: 0 },
    );
    assert.ok(row.fetched_at);
    const [blob] = await test.database.query("SELECT * FROM image_blob WHERE id = $1", [row.blob_id]);
    assert.deepEqual(
      { ...blob, id: 0, created_at: 0 },
      {
        id: 0,
        created_at: 0,
        content_hash: sha256(photo),
        mime: "image/jpeg",
        width: 40,
        height: 40,
        bytes: photo.length,
      },
    );
    const [job, ...others] = await jobs();
    assert.deepEqual(others, []);
    assert.deepEqual(
      { name: job!.name, data: job!.data, priority: job!.priority },
      { name: "embed-photo", data: { blobId: String(row.blob_id), modelId: 1 }, priority: 7 },
    );
  });

  it("does nothing the second time, for a photo that is gone, or after its address changed", async () => {
    answer = send(await jpegPhoto(41));
    const imageId = await productWithPhoto();
    await run(jobOf(imageId), never);
    const before = await rowOf(imageId);
    await run(jobOf(imageId), never);
    await run(jobOf("999999999"), never);
    assert.equal(asked.length, 1);
    assert.deepEqual(await rowOf(imageId), before);

    const moved = await productWithPhoto();
    answer = (request, response) => {
      test.database
        .query("UPDATE product_image SET url = 'http://elsewhere.example/' WHERE id = $1", [moved])
        .then(async () => send(await jpegPhoto(42))(request, response));
    };
    await run(jobOf(moved), never);
    assert.equal((await rowOf(moved)).state, "PENDING");
  });

  it("keeps one content once, and embeds it once", async () => {
    const photo = await jpegPhoto(43);
    answer = send(photo);
    const [one, other] = [await productWithPhoto(), await productWithPhoto()];
    await Promise.all([run(jobOf(one), never), run(jobOf(other), never)]);
    const [first, second] = [await rowOf(one), await rowOf(other)];
    assert.equal(first.blob_id, second.blob_id);
    assert.equal((await jobs()).length, 1);
    // Embedded meanwhile: a third product gets its vector without a job.
    await test.database.query("DELETE FROM pgboss.job");
    await test.database.transaction((sql) =>
      vectors.writePhotos(sql, 1, [{ blobId: first.blob_id!, vector: Float32Array.of(0.6, 0.8, 0, 0) }]),
    );
    const third = await productWithPhoto();
    await run(jobOf(third), never);
    assert.deepEqual(await jobs(), []);
    const found = await test.database.query(
      "SELECT v.price_minor FROM vectors.product_vector v JOIN product_image i USING (product_id) WHERE i.id = $1",
      [third],
    );
    assert.deepEqual(found, [{ price_minor: 4200n }]);
  });

  it("asks whether the photo changed, and believes it only while the bytes are there", async () => {
    const photo = await jpegPhoto(44);
    answer = (request, response) =>
      request.headers["if-none-match"] === '"v7"'
        ? response.writeHead(304, { etag: '"v7"' }).end()
        : send(photo, { etag: '"v7"' })(request, response);
    const imageId = await productWithPhoto();
    await run(jobOf(imageId), never);
    const before = await rowOf(imageId);
    await test.database.query("UPDATE product_image SET state = 'PENDING' WHERE id = $1", [imageId]);
    await run(jobOf(imageId), never);
    assert.equal(asked[1]!["if-none-match"], '"v7"');
    const again = await rowOf(imageId);
    assert.deepEqual({ ...again, fetched_at: 0 }, { ...before, fetched_at: 0 });

    await rm(photosFolder, { recursive: true });
    await test.database.query("UPDATE product_image SET state = 'PENDING' WHERE id = $1", [imageId]);
    await run(jobOf(imageId), never);
    assert.equal(asked[2]!["if-none-match"], undefined);
    assert.equal((await rowOf(imageId)).state, "READY");
  });

  it("records the network's fault and throws, so that the queue tries again", async () => {
    answer = fail(500);
    const imageId = await productWithPhoto();
    await assert.rejects(run(jobOf(imageId), never), { code: "FETCH_UNAVAILABLE" });
    await assert.rejects(run(jobOf(imageId), never), { code: "FETCH_UNAVAILABLE" });
    const row = await rowOf(imageId);
    assert.deepEqual(
      [row.state, row.failure_code, row.retryable, row.attempts],
      ["FAILED", "FETCH_UNAVAILABLE", true, 2],
    );
    answer = send(await jpegPhoto(45));
    await run(jobOf(imageId), never);
    const good = await rowOf(imageId);
    assert.deepEqual([good.state, good.failure_code, good.retryable, good.attempts], ["READY", null, false, 0]);
  });

  it("records the file's fault and leaves it", async () => {
    const photo = await jpegPhoto();
    for (const [reply, code] of [
      [fail(404), "FETCH_NOT_FOUND"],
      [send(photo.subarray(0, 300)), "PHOTO_TRUNCATED"],
      [send(Buffer.from("<html>")), "PHOTO_NOT_AN_IMAGE"],
    ] as const) {
      answer = reply;
      const imageId = await productWithPhoto();
      await run(jobOf(imageId), never);
      const row = await rowOf(imageId);
      assert.deepEqual([row.state, row.failure_code, row.retryable, row.attempts], ["FAILED", code, false, 1]);
    }
    assert.deepEqual(await jobs(), []);
  });

  it("comes back when the server said, and gives up a server that says it for ever", async () => {
    answer = fail(503, { "retry-after": "600" });
    const imageId = await productWithPhoto();
    await run(jobOf(imageId), never);
    const [job] = await jobs();
    assert.deepEqual([job!.name, job!.data, job!.priority], ["fetch-photo", { imageId }, 7]);
    assert.ok(Math.abs(job!.wait - 600) < 5);
    await test.database.query("UPDATE product_image SET attempts = 9 WHERE id = $1", [imageId]);
    await test.database.query("DELETE FROM pgboss.job");
    await assert.rejects(run(jobOf(imageId), never), { code: "FETCH_UNAVAILABLE" });
    assert.deepEqual(await jobs(), []);
  });

  it("keeps showing the photo that is there when a re-check fails", async () => {
    answer = send(await jpegPhoto(46));
    const imageId = await productWithPhoto();
    await run(jobOf(imageId), never);
    await test.database.query("UPDATE product_image SET state = 'PENDING' WHERE id = $1", [imageId]);
    answer = fail(503);
    await run(jobOf(imageId), never);
    const row = await rowOf(imageId);
    assert.deepEqual([row.state, row.failure_code], ["READY", "FETCH_UNAVAILABLE"]);
    assert.ok(row.blob_id);
  });

  it("leaves no trace when the worker stops", async () => {
    const stop = new AbortController();
    answer = () => stop.abort(new Error("the worker is shutting down"));
    const imageId = await productWithPhoto();
    await assert.rejects(run(jobOf(imageId), stop.signal), { code: "FETCH_CANCELLED" });
    const row = await rowOf(imageId);
    assert.deepEqual([row.state, row.attempts], ["PENDING", 0]);
  });

  it("writes nothing when the transaction fails", async () => {
    const photo = await jpegPhoto(47);
    answer = send(photo);
    const imageId = await productWithPhoto();
    const broken = createFetchPhoto({
      database: test.database,
      queue: { enqueue: () => Promise.reject(new Error("no queue")) },
      fetcher,
      intake: createPhotoIntake({ blobs: createBlobStore(loadConfig({}, test.config)), config: loadConfig({}) }),
      blobs: createBlobStore(loadConfig({}, test.config)),
      vectors,
      logger: testLogger,
    });
    await assert.rejects(broken(jobOf(imageId), never), /no queue/);
    assert.equal((await rowOf(imageId)).state, "PENDING");
    const blobs = await test.database.query("SELECT 1 FROM image_blob WHERE content_hash = $1", [sha256(photo)]);
    assert.deepEqual(blobs, []);
  });

  it("records on every product what only the embedding can see", async () => {
    answer = send(await jpegPhoto(48));
    const [one, other] = [await productWithPhoto(), await productWithPhoto()];
    await run(jobOf(one), never);
    await run(jobOf(other), never);
    const { blob_id: blobId } = await rowOf(one);
    const shown = await test.database.transaction((sql) =>
      markContentUnreadable(sql, blobId!, new PhotoUnreadable("PHOTO_DAMAGED", "Bad Huffman code.")),
    );
    assert.equal(shown.length, 2);
    for (const imageId of [one, other]) {
      const row = await rowOf(imageId);
      assert.deepEqual(
        [row.state, row.blob_id, row.failure_code, row.retryable],
        ["FAILED", null, "PHOTO_DAMAGED", false],
      );
    }
  });
});
