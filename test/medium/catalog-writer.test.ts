import assert from "node:assert/strict";
import { after, before, beforeEach, it } from "node:test";
import type { CatalogEvent, CatalogWriter } from "../../src/catalog/products/catalog-event.type.js";
import { createCatalogWriter } from "../../src/catalog/products/catalog-writer.js";
import type { ResolvedPhoto } from "../../src/catalog/products/resolved-photo.type.js";
import { BadUserInput } from "../../src/errors.js";
import { type RecordedJobs, recordJobs, recordVectors, remove, upsert } from "../support/catalog-fixture.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

describeOnBothDatabases("catalog writer", (open) => {
  let test: TestDatabase;
  let queue: RecordedJobs;
  let vectors: ReturnType<typeof recordVectors>;
  let writer: CatalogWriter;

  before(async () => {
    test = await open();
  });
  after(() => test.drop());
  beforeEach(async () => {
    await test.database.query("TRUNCATE product, image_blob CASCADE");
    queue = recordJobs();
    vectors = recordVectors();
    writer = createCatalogWriter({ database: test.database, queue, vectors, logger: testLogger });
  });

  const outcomes = async (...events: CatalogEvent[]) => (await writer.apply(events)).map(({ outcome }) => outcome);
  const rows = () =>
    test.database.query<Record<string, unknown>>(
      `SELECT external_id AS id, title, price_minor, category_path, attributes, deleted_at IS NOT NULL AS deleted,
              source_updated_at FROM product ORDER BY external_id`,
    );
  const images = () =>
    test.database.query<{ id: bigint; url: string; position: number; state: string; blobId: bigint | null }>(
      `SELECT id, url, "position", state, blob_id AS "blobId" FROM product_image ORDER BY product_id, "position"`,
    );
  const giveBlob = async (url: string, hash = "a".repeat(64)) => {
    const [blob] = await test.database.query<{ id: bigint }>(
      `INSERT INTO image_blob (content_hash, mime, width, height, bytes) VALUES ($1, 'image/jpeg', 8, 8, 100) RETURNING id`,
      [hash],
    );
    await test.database.query("UPDATE product_image SET blob_id = $1, state = 'READY' WHERE url = $2", [
      blob!.id.toString(),
      url,
    ]);
    return blob!.id;
  };

  it("creates a product with its photos and the jobs that fetch them", async () => {
    const [result] = await writer.apply([upsert("1")], { priority: 10 });
    assert.equal(result?.outcome, "created");
    assert.equal(typeof result?.productId, "bigint");
    const [row] = await rows();
    assert.equal(row?.price_minor, 1_990n);
    assert.deepEqual(row?.category_path, ["Clothing", "Shirts"]);
    assert.deepEqual(row?.attributes, { color: ["red"] });
    const stored = await images();
    assert.deepEqual(
      stored.map(({ url, position, state }) => ({ url, position, state })),
      [
        { url: "https://shop.example/1/1.jpg", position: 0, state: "PENDING" },
        { url: "https://shop.example/1/2.jpg", position: 1, state: "PENDING" },
      ],
    );
    assert.deepEqual(
      queue.jobs,
      stored.map(({ id }) => ({ name: "fetch-photo", payload: { imageId: id.toString() }, priority: 10 })),
    );
    assert.deepEqual(vectors.refreshed, [[result?.productId]]);
  });

  it("writes nothing for equal input, whatever the order of its attributes", async () => {
    await writer.apply([upsert("1", { attributes: { a: ["1"], b: ["2"] } })]);
    queue.take("fetch-photo");
    const version = () => test.database.query("SELECT xmin::text, xmax::text, ctid::text FROM product");
    const before = await version();
    assert.deepEqual(await outcomes(upsert("1", { attributes: { b: ["2"], a: ["1"], c: [""] } })), ["unchanged"]);
    assert.deepEqual(await version(), before);
    assert.deepEqual(queue.jobs, []);
    assert.equal(vectors.refreshed.length, 1);
  });

  it("changes price and stock without any work for photos", async () => {
    await writer.apply([upsert("1")]);
    await giveBlob("https://shop.example/1/1.jpg");
    queue.take("fetch-photo");
    const before = await test.database.query("SELECT xmin::text, ctid::text FROM product_image ORDER BY id");
    assert.deepEqual(await outcomes(upsert("1", { price: { minor: 990n, currency: "EUR" }, inStock: false })), [
      "updated",
    ]);
    assert.deepEqual(queue.jobs, []);
    assert.deepEqual(await test.database.query("SELECT xmin::text, ctid::text FROM product_image ORDER BY id"), before);
    assert.equal((await rows())[0]?.price_minor, 990n);
    assert.equal(vectors.refreshed.length, 2);
  });

  it("keeps the rows of photos that stay, moves them, drops the gone and fetches the new", async () => {
    await writer.apply([upsert("1")]);
    const blob = await giveBlob("https://shop.example/1/2.jpg");
    const kept = (await images()).find(({ url }) => url.endsWith("2.jpg"));
    queue.take("fetch-photo");
    const photos = ["2.jpg", "3.jpg", "3.jpg"].map((name) => ({ url: `https://shop.example/1/${name}` }));
    assert.deepEqual(await outcomes(upsert("1", { photos })), ["updated"]);
    const now = await images();
    assert.deepEqual(
      now.map(({ url, position, state, blobId }) => [url.slice(-5), position, state, blobId]),
      [
        ["2.jpg", 0, "READY", blob],
        ["3.jpg", 1, "PENDING", null],
      ],
    );
    assert.equal(now[0]?.id, kept?.id);
    assert.deepEqual(
      queue.jobs.map(({ name, payload }) => [name, payload]),
      [["fetch-photo", { imageId: now[1]?.id.toString() }]],
    );
  });

  const early = new Date("2026-01-01T00:00:00Z");
  const late = new Date("2026-02-01T00:00:00Z");

  it("lets the newest timestamp win, the later arrival at equal ones, and counts none as newest", async () => {
    assert.deepEqual(await outcomes(upsert("1", { title: "late", sourceUpdatedAt: late })), ["created"]);
    assert.deepEqual(await outcomes(upsert("1", { title: "early", sourceUpdatedAt: early })), ["stale"]);
    assert.equal((await rows())[0]?.title, "late");
    assert.deepEqual(await outcomes(upsert("1", { title: "same time", sourceUpdatedAt: late })), ["updated"]);
    assert.deepEqual(await outcomes(upsert("1", { title: "no time" })), ["updated"]);
    assert.equal((await rows())[0]?.title, "no time");
    // It had no time of its own, so the last known one still keeps older events out.
    assert.deepEqual(await outcomes(upsert("1", { title: "early", sourceUpdatedAt: early })), ["stale"]);
  });

  it("remembers a newer time of equal content, so that an event from between stays out", async () => {
    await writer.apply([upsert("1", { sourceUpdatedAt: early })]);
    assert.deepEqual(await outcomes(upsert("1", { sourceUpdatedAt: late })), ["unchanged"]);
    const between = new Date("2026-01-15T00:00:00Z");
    assert.deepEqual(await outcomes(upsert("1", { title: "between", sourceUpdatedAt: between })), ["stale"]);
  });

  it("leaves a tombstone that an older update cannot revive and a newer one does", async () => {
    await writer.apply([upsert("1", { sourceUpdatedAt: early })]);
    const blob = await giveBlob("https://shop.example/1/1.jpg");
    const pending = (await images())[1]!.id;
    queue.take("fetch-photo");
    assert.deepEqual(await outcomes(remove("1", "2026-01-20T00:00:00Z")), ["deleted"]);
    assert.equal((await rows())[0]?.deleted, true);
    assert.deepEqual(await outcomes(remove("1", "2026-01-20T00:00:00Z")), ["absent"]);
    assert.deepEqual(await outcomes(upsert("1", { sourceUpdatedAt: early })), ["stale"]);
    assert.equal((await rows())[0]?.deleted, true);
    assert.deepEqual(await outcomes(upsert("1", { sourceUpdatedAt: late })), ["updated"]);
    assert.equal((await rows())[0]?.deleted, false);
    // Its jobs may have been dropped while it was deleted.
    assert.deepEqual(queue.take("fetch-photo"), [{ imageId: pending.toString() }]);
    assert.deepEqual(queue.take("embed-photo"), [{ blobId: blob.toString(), modelId: 7 }]);
  });

  it("keeps out an update that is older than a delete without a time, or than one that came first", async () => {
    await writer.apply([upsert("1")]);
    assert.deepEqual(await outcomes(remove("1")), ["deleted"]);
    assert.deepEqual(await outcomes(upsert("1", { sourceUpdatedAt: late })), ["stale"]);
    assert.deepEqual(await outcomes(remove("2", "2026-01-20T00:00:00Z")), ["absent"]);
    assert.deepEqual(await outcomes(upsert("2", { sourceUpdatedAt: early })), ["stale"]);
    assert.deepEqual(await outcomes(upsert("2", { sourceUpdatedAt: late })), ["created"]);
    assert.deepEqual(await outcomes(remove("never seen")), ["absent"]);
    assert.equal((await rows()).length, 2);
  });

  it("applies several events of one product in order", async () => {
    const results = await writer.apply([
      upsert("1", { title: "first" }),
      upsert("2"),
      upsert("1", { title: "second" }),
      remove("2"),
      upsert("1", { title: "second" }),
    ]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ["created", "created", "updated", "deleted", "unchanged"],
    );
    assert.equal((await rows())[0]?.title, "second");
    assert.equal((await rows())[1]?.deleted, true);
  });

  it("previews the same outcomes without writing", async () => {
    await writer.apply([upsert("1"), upsert("2", { sourceUpdatedAt: late })]);
    const events = [
      upsert("1"),
      upsert("2", { title: "x", sourceUpdatedAt: early }),
      upsert("3"),
      upsert("3", { title: "again" }),
      remove("1"),
      remove("4"),
    ];
    const before = await rows();
    const preview = (await writer.preview(events)).map(({ outcome }) => outcome);
    assert.deepEqual(preview, ["unchanged", "stale", "created", "updated", "deleted", "absent"]);
    assert.deepEqual(await rows(), before);
    assert.deepEqual(await outcomes(...events), preview);
  });

  it("splits many events into several transactions and answers in order", async () => {
    const events = Array.from({ length: 1_203 }, (_, index) => upsert(`p${index}`, { photos: [] }));
    const results = await writer.apply(events);
    assert.deepEqual(
      results.map(({ externalId }) => externalId),
      events.map((_, index) => `p${index}`),
    );
    assert.equal(vectors.refreshed.length, 3);
  });

  it("lets several writers meet on the same products in any order", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
    const batches = [ids, [...ids].reverse(), [...ids.slice(20), ...ids.slice(0, 20)], ids];
    const all = await Promise.all(
      batches.map((batch, writerNumber) =>
        writer.apply(batch.map((id) => upsert(id, { title: `by ${writerNumber}` }))),
      ),
    );
    assert.equal(all.flat().filter(({ outcome }) => outcome === "created").length, 40);
    assert.equal((await rows()).length, 40);
    assert.equal((await images()).length, 80);
  });

  it("keeps nothing of a transaction whose job could not be enqueued", async () => {
    queue.enqueue = async () => {
      throw new Error("queue is gone");
    };
    await assert.rejects(writer.apply([upsert("1")]), /queue is gone/);
    assert.deepEqual(await rows(), []);
  });

  it("refuses what cannot be stored before it writes anything", async () => {
    const bad: [Parameters<typeof upsert>[1], string][] = [
      [{ source: "" }, "source"],
      [{ externalId: "x".repeat(256) }, "externalId"],
      [{ externalId: "a\u0000b" }, "externalId"],
      [{ externalId: "  " }, "externalId"],
      [{ title: " \u202e " }, "title"],
      [{ groupKey: "g".repeat(256) }, "groupKey"],
      [{ url: "javascript:alert(1)" }, "url"],
      [{ photos: [{ url: "ftp://shop.example/a.jpg" }] }, "photos"],
      [{ photos: [{ url: `https://shop.example/${"a".repeat(2_000)}` }] }, "photos"],
      [{ photos: Array.from({ length: 51 }, (_, index) => ({ url: `https://shop.example/${index}` })) }, "photos"],
    ];
    for (const [changes, field] of bad) {
      await assert.rejects(writer.apply([upsert("good"), upsert("bad", changes)]), (error) => {
        assert.ok(error instanceof BadUserInput);
        assert.deepEqual(error.field, [field]);
        return true;
      });
    }
    assert.deepEqual(await rows(), []);
  });

  it("stores text without NUL, direction overrides and broken surrogates", async () => {
    await writer.apply([
      upsert("1", { title: "a\u0000b\u202ec\ud800", attributes: { "x\u0000": ["\u0000", "y\udc00"] } }),
    ]);
    const [row] = await rows();
    assert.equal(row?.title, "abc\ufffd");
    assert.deepEqual(row?.attributes, { x: ["y\ufffd"] });
  });

  const stored = (etag: string, contentHash = "b".repeat(64)): ResolvedPhoto => ({
    state: "stored",
    etag,
    photo: { contentHash, mime: "image/png", width: 10, height: 20, bytes: 300 },
  });
  const local = "file:///shirts/1.png";

  it("takes photos that a local import has stored, and again only when the file changed", async () => {
    const events = [upsert("1", { photos: [{ url: local }] }), upsert("2", { photos: [{ url: local }] })];
    await writer.apply(events, { photos: new Map([[local, stored("300-1")]]) });
    const [first, second] = await images();
    assert.equal(first?.state, "READY");
    assert.equal(first?.blobId, second?.blobId);
    assert.deepEqual(
      queue.jobs.map(({ name, payload }) => [name, payload]),
      [["embed-photo", { blobId: first?.blobId?.toString(), modelId: 7 }]],
    );
    const again = await writer.apply(events, { photos: new Map([[local, stored("300-1")]]) });
    assert.deepEqual(
      again.map(({ outcome }) => outcome),
      ["unchanged", "unchanged"],
    );
    const changed = await writer.apply(events, { photos: new Map([[local, stored("300-2", "c".repeat(64))]]) });
    assert.deepEqual(
      changed.map(({ outcome }) => outcome),
      ["updated", "updated"],
    );
    assert.notEqual((await images())[0]?.blobId, first?.blobId);
    assert.equal((await images())[0]?.id, first?.id);
  });

  it("records a local photo that failed, and refuses one that nobody read", async () => {
    const failed: ResolvedPhoto = {
      state: "failed",
      etag: "0-1",
      code: "PHOTO_EMPTY",
      message: "The file has no bytes.",
    };
    const photos = [{ url: local }, { url: "file:///etc/passwd" }];
    await writer.apply([upsert("1", { photos })], { photos: new Map([[local, failed]]) });
    const codes = await test.database.query(
      `SELECT state, failure_code, retryable FROM product_image ORDER BY "position"`,
    );
    assert.deepEqual(codes, [
      { state: "FAILED", failure_code: "PHOTO_EMPTY", retryable: false },
      { state: "FAILED", failure_code: "PHOTO_PATH_REFUSED", retryable: false },
    ]);
    assert.deepEqual(queue.jobs, []);
  });
});
