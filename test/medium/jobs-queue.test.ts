import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { createJobConsumer, createJobQueue } from "../../src/jobs/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

describeOnBothDatabases("the job queue", (open) => {
  let opened: TestDatabase;
  let queue: Awaited<ReturnType<typeof createJobQueue>>;
  before(async () => {
    opened = await open();
    queue = await createJobQueue(opened.database, testLogger);
  });
  after(async () => {
    await queue.close();
    await opened.drop();
  });
  afterEach(() => opened.database.query("DELETE FROM pgboss.job"));

  const photo = (imageId: string) => ({ imageId });
  const waiting = async () => (await queue.counts())["fetch-photo"].waiting;

  test("shows a job when the caller's transaction commits, and never if it rolls back", async () => {
    const { database } = opened;
    await assert.rejects(
      database.transaction(async (sql) => {
        await queue.enqueue(sql, "fetch-photo", [photo("1")]);
        throw new Error("no");
      }),
      /no/,
    );
    assert.equal(await waiting(), 0);
    await database.transaction((sql) => queue.enqueue(sql, "fetch-photo", [photo("1")]));
    assert.equal(await waiting(), 1);
  });

  test("adds thousands of jobs at once, equal ones only once", async () => {
    const payloads = Array.from({ length: 12_000 }, (_, index) => photo(String(index % 11_000)));
    await opened.database.transaction((sql) => queue.enqueue(sql, "fetch-photo", payloads));
    assert.equal(await waiting(), 11_000);
    await opened.database.transaction((sql) => queue.enqueue(sql, "fetch-photo", payloads));
    assert.equal(await waiting(), 11_000);
  });

  test("knows equal payloads whatever the order of their fields", async () => {
    const { database } = opened;
    await queue.enqueue(database, "embed-photo", [{ blobId: "1", modelId: 2 }]);
    await queue.enqueue(database, "embed-photo", [{ modelId: 2, blobId: "1" }]);
    await queue.enqueue(database, "embed-photo", [{ modelId: 3, blobId: "1" }]);
    assert.equal((await queue.counts())["embed-photo"].waiting, 2);
  });

  test("moves a waiting job forward when it is asked for with more urgency", async () => {
    const { database } = opened;
    await queue.enqueue(database, "fetch-photo", [photo("1")], { startAfterSeconds: 600 });
    await queue.enqueue(database, "fetch-photo", [photo("1")], { priority: 10 });
    const rows = await database.query("SELECT priority, start_after <= now() AS due FROM pgboss.job");
    assert.deepEqual(rows, [{ priority: 10, due: true }]);
  });

  test("adds a job again while an equal one runs, because the world may have changed since it started", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    const seen: string[] = [];
    let second = (): void => {};
    const finished = new Promise<void>((resolve) => {
      second = resolve;
    });
    await consumer.consume("fetch-photo", { concurrency: 1 }, async ({ data }) => {
      seen.push(data.imageId);
      if (seen.length === 1) await queue.enqueue(database, "fetch-photo", [photo("1")]);
      else second();
    });
    await queue.enqueue(database, "fetch-photo", [photo("1")]);
    await finished;
    await consumer.close();
    assert.deepEqual(seen, ["1", "1"]);
  });

  test("keeps a waiting job from starting before the transaction that relies on it has committed", async () => {
    const { database } = opened;
    // On the embedded database nothing else runs during a transaction anyway.
    if (database.kind === "embedded") return;
    await queue.enqueue(database, "fetch-photo", [photo("1"), photo("2")]);
    const startable = "SELECT data ->> 'imageId' AS id FROM pgboss.job WHERE state = 'created' FOR UPDATE SKIP LOCKED";
    await database.transaction(async (sql) => {
      await queue.enqueue(sql, "fetch-photo", [photo("1")]);
      assert.deepEqual((await database.pool.query(startable)).rows, [{ id: "2" }]);
    });
    assert.equal((await database.pool.query(startable)).rowCount, 2);
  });

  test("lists jobs that were given up, and gives them their attempts back", async () => {
    const { database } = opened;
    await queue.enqueue(database, "fetch-photo", [photo("1"), photo("2")]);
    await database.query("UPDATE pgboss.job SET retry_limit = 0");
    const consumer = await createJobConsumer(database, testLogger);
    let heal = false;
    const done: string[] = [];
    let both = (): void => {};
    const healed = new Promise<void>((resolve) => {
      both = resolve;
    });
    await consumer.consume("fetch-photo", { concurrency: 2 }, async ({ data, retryCount }) => {
      if (!heal) throw new Error(`photo ${data.imageId} is ill`);
      assert.equal(retryCount, 0);
      if (done.push(data.imageId) === 2) both();
    });
    while ((await queue.counts())["fetch-photo"].failed < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const failed = await queue.failed("fetch-photo");
    assert.deepEqual(failed.map(({ data, reason }) => [data.imageId, reason]).sort(), [
      ["1", "photo 1 is ill"],
      ["2", "photo 2 is ill"],
    ]);
    heal = true;
    assert.equal(await queue.retryFailed("fetch-photo", [failed[0]!.id]), 1);
    assert.equal(await queue.retryFailed("fetch-photo"), 1);
    await healed;
    await consumer.close();
    assert.equal((await queue.counts())["fetch-photo"].failed, 0);
  });
});
