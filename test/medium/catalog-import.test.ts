import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, it } from "node:test";
import { createCatalogImport } from "../../src/catalog/import/import-catalog.js";
import type { CatalogImport, ImportProblem, ImportRequest } from "../../src/catalog/import/import-catalog.type.js";
import { MassDeleteRefused } from "../../src/catalog/import/import-errors.js";
import type { BlobStore } from "../../src/catalog/photos/blob-store.type.js";
import { createPhotoIntake } from "../../src/catalog/photos/photo-intake.js";
import { createCatalogWriter } from "../../src/catalog/products/catalog-writer.js";
import { drawPhoto, type RecordedJobs, recordJobs, recordVectors } from "../support/catalog-fixture.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

describeOnBothDatabases("catalog import", (open) => {
  let test: TestDatabase;
  let folder: string;
  let queue: RecordedJobs;
  let imports: CatalogImport;
  let kept: Map<string, Uint8Array>;
  let problems: ImportProblem[];

  before(async () => {
    test = await open();
  });
  after(() => test.drop());
  beforeEach(async (context) => {
    await test.database.query("TRUNCATE product, image_blob, import_run CASCADE");
    folder = mkdtempSync(path.join(tmpdir(), "lookalike-import-"));
    if ("after" in context) context.after(() => rmSync(folder, { recursive: true, force: true }));
    queue = recordJobs();
    kept = new Map();
    problems = [];
    const { database } = test;
    const blobs: BlobStore = {
      has: async (hash) => kept.has(hash),
      write: async (hash, bytes) => void kept.set(hash, bytes),
      read: async (hash) => Buffer.from(kept.get(hash) ?? []),
    };
    const config = { defaultCurrency: "USD", fetchMaxBytes: 1_000_000, maxPixels: 1_000_000 };
    const writer = createCatalogWriter({ database, queue, vectors: recordVectors(), logger: testLogger });
    const intake = createPhotoIntake({ blobs, config });
    imports = createCatalogImport({ database, writer, config, intake, logger: testLogger });
  });

  const write = (name: string, content: string | Uint8Array) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const run = (location: string, options: Partial<ImportRequest> = {}) =>
    imports.run({ source: "shop", location, onProblem: (problem) => void problems.push(problem), ...options });
  const products = () =>
    test.database.query<Record<string, unknown>>(
      `SELECT external_id AS id, title, category_path AS category, split, deleted_at IS NOT NULL AS deleted
       FROM product ORDER BY external_id COLLATE "C"`,
    );
  const counts = ({ rows, created, updated, unchanged, deleted, failed }: Awaited<ReturnType<typeof run>>) => {
    return { rows, created, updated, unchanged, deleted, failed };
  };

  it("reads a folder of labels and splits, embeds its photos, and writes nothing the second time", async () => {
    write("train/shirts/short/a_b.png", await drawPhoto("red"));
    write("train/shirts/c.png", await drawPhoto("blue"));
    write("test/hats/d.png", await drawPhoto("red"));
    write("README.md", "no photo");
    const first = await run(folder);
    assert.deepEqual(counts(first), { rows: 3, created: 3, updated: 0, unchanged: 0, deleted: 0, failed: 0 });
    assert.deepEqual(await products(), [
      { id: "test/hats/d.png", title: "d", category: ["hats"], split: "TEST", deleted: false },
      { id: "train/shirts/c.png", title: "c", category: ["shirts"], split: "TRAIN", deleted: false },
      { id: "train/shirts/short/a_b.png", title: "a b", category: ["shirts", "short"], split: "TRAIN", deleted: false },
    ]);
    assert.equal(kept.size, 2);
    assert.equal(queue.take("embed-photo").length, 2);
    assert.equal(queue.take("fetch-photo").length, 0);
    kept.clear();
    const second = await run(folder);
    assert.deepEqual(counts(second), { rows: 3, created: 0, updated: 0, unchanged: 3, deleted: 0, failed: 0 });
    assert.deepEqual([kept.size, queue.jobs.length], [0, 0]);
  });

  it("reads a photo again when its file changed", async () => {
    const file = write("shirts/a.png", await drawPhoto("red"));
    await run(folder);
    writeFileSync(file, await drawPhoto("green"));
    utimesSync(file, new Date(), new Date("2030-01-01"));
    assert.equal((await run(folder)).updated, 1);
    assert.equal(kept.size, 2);
  });

  it("makes a product of every folder", async () => {
    for (const name of ["1", "2"]) write(`shirts/polo/${name}.png`, await drawPhoto("red"));
    write("shirts/tee/1.png", await drawPhoto("blue"));
    write("loose.png", await drawPhoto("blue"));
    const summary = await run(folder, { productFrom: "folder" });
    assert.deepEqual(counts(summary), { rows: 3, created: 2, updated: 0, unchanged: 0, deleted: 0, failed: 1 });
    assert.equal(problems[0]?.code, "FILE_OUTSIDE_FOLDER");
    assert.deepEqual(
      (await products()).map(({ id, category }) => [id, category]),
      [
        ["shirts/polo", ["shirts"]],
        ["shirts/tee", ["shirts"]],
      ],
    );
  });

  it("records photos that cannot be taken, with their reason, beside their product", async () => {
    write("shirts/empty.png", "");
    write("shirts/page.jpg", "<html>not found</html>");
    write("shirts/good.png", await drawPhoto("red"));
    const summary = await run(folder);
    assert.deepEqual([summary.created, summary.failed, summary.photosFailed], [3, 0, 2]);
    assert.deepEqual(
      problems.map(({ code, kind, externalId }) => [code, kind, externalId]),
      [
        ["PHOTO_EMPTY", "photo", "shirts/empty.png"],
        ["PHOTO_NOT_AN_IMAGE", "photo", "shirts/page.jpg"],
      ],
    );
    const failed = await test.database.query("SELECT failure_code AS code FROM product_image WHERE state = 'FAILED'");
    assert.equal(failed.length, 2);
    // Their files have not changed, so they are not read again either.
    problems = [];
    assert.equal((await run(folder)).unchanged, 3);
    assert.equal(problems.length, 2);
  });

  it("reads a CSV with photos beside it", async () => {
    write("photos/1.png", await drawPhoto("red"));
    const feed = write(
      "feed.csv",
      "id,title,image_link,additional_image_link,price,product_type,color,fit\r\n" +
        '1,"Shirt, red",photos/1.png,"https://shop.example/a,b.jpg,https://shop.example/c.jpg",15.00 EUR,A > B,Red/White,slim\r\n' +
        "2,Hat,photos/gone.png,,9,A,,\r\n",
    );
    const summary = await run(feed);
    assert.deepEqual([summary.created, summary.photosFailed], [2, 1]);
    assert.equal(summary.bytesRead, summary.totalBytes);
    assert.deepEqual([problems[0]?.code, problems[0]?.line], ["PHOTO_MISSING", 3]);
    const [row] = await test.database.query<Record<string, unknown>>(
      "SELECT price_minor, currency, attributes, category_path FROM product WHERE external_id = '1'",
    );
    assert.deepEqual(row, {
      price_minor: 1_500n,
      currency: "EUR",
      attributes: { color: ["Red", "White"], fit: ["slim"] },
      category_path: ["A", "B"],
    });
    const urls = await test.database.query<{ url: string; state: string }>(
      `SELECT url, state FROM product_image ORDER BY product_id, "position"`,
    );
    assert.deepEqual(
      urls.map(({ url, state }) => [url, state]),
      [
        ["file:///photos/1.png", "READY"],
        ["https://shop.example/a,b.jpg", "PENDING"],
        ["https://shop.example/c.jpg", "PENDING"],
        ["file:///photos/gone.png", "FAILED"],
      ],
    );
  });

  it("reads no photo outside of the feed's folder, whatever leads there", async () => {
    const outside = mkdtempSync(path.join(tmpdir(), "lookalike-outside-"));
    writeFileSync(path.join(outside, "secret.png"), await drawPhoto("red"));
    const feed = write(
      "feed.csv",
      "id,image_link\n1,link.png\n2,folder/secret.png\n3,round/photo.png\n4,%2e%2e/x.png\n5,pipe.png\n6,deep\n",
    );
    write("photo.png", await drawPhoto("red"));
    write("deep/x.png", "x");
    symlinkSync(path.join(outside, "secret.png"), path.join(folder, "link.png"));
    symlinkSync(outside, path.join(folder, "folder"));
    symlinkSync(folder, path.join(folder, "round"));
    execFileSync("mkfifo", [path.join(folder, "pipe.png")]);
    const summary = await run(feed);
    rmSync(outside, { recursive: true });
    assert.deepEqual([summary.created, summary.photosFailed, kept.size], [6, 5, 1]);
    assert.deepEqual(
      problems.map(({ line, code }) => [line, code]),
      [
        [2, "PHOTO_PATH_REFUSED"],
        [3, "PHOTO_PATH_REFUSED"],
        [5, "PHOTO_MISSING"],
        [6, "PHOTO_NOT_A_FILE"],
        [7, "PHOTO_NOT_A_FILE"],
      ],
    );
  });

  it("counts in a dry run what the import then does, and writes nothing", async () => {
    await run(write("feed.csv", "id,title\n1,a\n2,b\n3,c\n4,d\n5,e\n"));
    const feed = write("feed.csv", "id,title,price\n1,a,\n2,changed,\n3,c,\n4,d,\n6,new,\n7,bad,-1 USD\n6,again,\n");
    const version = () => test.database.query("SELECT id, xmin::text, deleted_at FROM product ORDER BY id");
    const before = await version();
    const dry = await run(feed, { dryRun: true, snapshot: true });
    assert.deepEqual(await version(), before);
    const expected = { rows: 7, created: 1, updated: 1, unchanged: 3, deleted: 1, failed: 2 };
    assert.deepEqual(counts(dry), expected);
    assert.deepEqual(counts(await run(feed, { snapshot: true })), expected);
    assert.equal((await products()).find(({ id }) => id === "5")?.deleted, true);
    assert.deepEqual(
      problems.slice(0, 2).map(({ line, code }) => [line, code]),
      [
        [7, "PRICE_NEGATIVE"],
        [8, "DUPLICATE_ID"],
      ],
    );
    // Named again, it comes back.
    assert.equal((await run(write("feed.csv", "id,title\n5,e\n"))).updated, 1);
  });

  it("refuses to delete more than a fifth, unless it is told to", async () => {
    const all = Array.from({ length: 10 }, (_, index) => `p${index},t\n`).join("");
    await run(write("feed.csv", `id,title\n${all}`));
    await test.database.query(
      "INSERT INTO product (source, external_id, title, digest) VALUES ('other', 'x', 'x', 'x')",
    );
    const feed = write("feed.csv", `id,title\n${all.split("\n").slice(0, 7).join("\n")}\n`);
    await assert.rejects(run(feed, { snapshot: true }), (error) => {
      assert.ok(error instanceof MassDeleteRefused);
      assert.deepEqual([error.absent, error.products], [3, 10]);
      assert.match(error.message, /--allow-mass-delete/);
      return true;
    });
    assert.equal((await products()).filter(({ deleted }) => deleted).length, 0);
    const dry = await run(feed, { snapshot: true, dryRun: true });
    assert.deepEqual([dry.deleted, dry.snapshot, problems.at(-1)?.code], [0, "skipped", "MASS_DELETE_REFUSED"]);
    assert.equal((await run(feed, { snapshot: true, allowMassDelete: true })).deleted, 3);
    assert.deepEqual(
      (await products()).filter(({ deleted }) => deleted).map(({ id }) => id),
      ["p7", "p8", "p9"],
    );
  });

  it("deletes nothing when a row without a readable id makes absence uncertain", async () => {
    await run(write("feed.csv", "id,title\n1,a\n2,b\n"));
    const summary = await run(write("feed.csv", "id,title\n1,a\n,b\n"), { snapshot: true, allowMassDelete: true });
    assert.deepEqual([summary.snapshot, summary.deleted, summary.failed], ["skipped", 0, 1]);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ["ID_MISSING", "SNAPSHOT_SKIPPED"],
    );
  });

  it("keeps what stood before the place where a feed breaks", async () => {
    const feed = write("feed.csv", 'id,title\n1,a\n2,"never closed\n');
    await assert.rejects(run(feed, { snapshot: true }), { code: "FEED_BROKEN", line: 3 });
    assert.deepEqual(
      (await products()).map(({ id }) => id),
      ["1"],
    );
  });

  it("does not take a missing feed for a missing database", async () => {
    await assert.rejects(run(path.join(folder, "gone.csv")), {
      code: "FEED_NOT_FOUND",
      message: /gone.csv does not exist/,
    });
  });

  it("stops when it is told to, and goes on when it is run again", async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => `p${index},t\n`).join("");
    const feed = write("feed.csv", `id,title\n${rows}`);
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    await assert.rejects(run(feed, { signal: stop.signal, onProgress }), { name: "AbortError" });
    const before = (await products()).length;
    assert.ok(before > 0 && before < 2_000, `${before} products`);
    const summary = await run(feed);
    assert.deepEqual([summary.created, summary.unchanged], [2_000 - before, before]);
  });

  it("waits for a database that is away for a moment", async () => {
    const feed = write("feed.csv", "id,title\n1,a\n");
    const { database } = test;
    let failures = 3;
    const flaky = {
      ...database,
      query: database.query.bind(database),
      transaction: async <T>(work: Parameters<typeof database.transaction<T>>[0]): Promise<T> => {
        failures -= 1;
        if (failures >= 0) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        return database.transaction(work);
      },
    };
    const writer = createCatalogWriter({ database: flaky, queue, vectors: recordVectors(), logger: testLogger });
    const config = { defaultCurrency: "USD", fetchMaxBytes: 1_000 };
    const patient = createCatalogImport({ database: flaky, writer, config, logger: testLogger });
    assert.equal((await patient.run({ source: "shop", location: feed })).created, 1);

    failures = Number.POSITIVE_INFINITY;
    const hasty = createCatalogImport({ database: flaky, writer, config, logger: testLogger, patienceMs: 300 });
    await assert.rejects(hasty.run({ source: "shop", location: feed }), {
      code: "IMPORT_INTERRUPTED",
      message: /run the same command again/,
    });
  });
});
