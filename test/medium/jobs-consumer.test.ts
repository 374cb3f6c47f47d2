import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { createJobConsumer, createJobQueue } from "../../src/jobs/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
};

describeOnBothDatabases("a job consumer", (open) => {
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

  const photos = (count: number) => Array.from({ length: count }, (_, index) => ({ imageId: String(index) }));
  const blobs = (count: number) => Array.from({ length: count }, (_, index) => ({ blobId: String(index), modelId: 1 }));

  test("runs every job once, no more at a time than allowed, and forgets it", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    await consumer.consume("fetch-photo", { concurrency: 3 }, async ({ data }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      seen.push(data.imageId);
      running -= 1;
    });
    await queue.enqueue(database, "fetch-photo", photos(100));
    await until(() => seen.length >= 100);
    await consumer.close();
    assert.equal(new Set(seen).size, 100);
    assert.equal(seen.length, 100);
    assert.equal(most, 3);
    assert.deepEqual(await database.query("SELECT 1 FROM pgboss.job"), []);
  });

  test("takes the more urgent job first, and tells its priority", async () => {
    const { database } = opened;
    await queue.enqueue(database, "fetch-photo", [{ imageId: "bulk" }]);
    await queue.enqueue(database, "fetch-photo", [{ imageId: "urgent" }], { priority: 10 });
    const consumer = await createJobConsumer(database, testLogger);
    const seen: string[] = [];
    await consumer.consume("fetch-photo", { concurrency: 1 }, async ({ data, priority }) => {
      seen.push(`${data.imageId} ${priority}`);
    });
    await until(() => seen.length === 2);
    await consumer.close();
    assert.deepEqual(seen, ["urgent 10", "bulk 0"]);
  });

  test("tries a job that throws again, later each time", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    await consumer.consume("fetch-photo", { concurrency: 1 }, async () => {
      throw new Error("host is down");
    });
    await queue.enqueue(database, "fetch-photo", photos(1));
    await until(async () => (await queue.counts())["fetch-photo"].retrying === 1);
    const [first] = await database.query<{ delay: number }>(
      "SELECT extract(epoch FROM start_after - now())::float AS delay FROM pgboss.job",
    );
    await database.query("UPDATE pgboss.job SET start_after = now(), retry_count = 3");
    await until(
      async () =>
        (await database.query("SELECT 1 FROM pgboss.job WHERE retry_count = 4 AND state = 'retry'")).length > 0,
    );
    const [later] = await database.query<{ delay: number }>(
      "SELECT extract(epoch FROM start_after - now())::float AS delay FROM pgboss.job",
    );
    await consumer.close();
    assert.ok(first!.delay > 0 && first!.delay <= 6, `${first!.delay}`);
    assert.ok(later!.delay > 6, `${later!.delay}`);
  });

  test("gives batches, and believes the handler about each job of one", async () => {
    const { database } = opened;
    await queue.enqueue(database, "embed-photo", blobs(50));
    const consumer = await createJobConsumer(database, testLogger);
    const sizes: number[] = [];
    let running = 0;
    let most = 0;
    await consumer.consumeBatches("embed-photo", { batchSize: 16, concurrency: 2 }, async (jobs) => {
      most = Math.max(most, ++running);
      sizes.push(jobs.length);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return new Map(jobs.filter(({ data }) => data.blobId === "7").map(({ id }) => [id, new Error("cannot")]));
    });
    await until(async () => {
      const { waiting, active } = (await queue.counts())["embed-photo"];
      return waiting + active === 0;
    });
    await consumer.close();
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      50,
    );
    assert.ok(Math.max(...sizes) <= 16 && most === 2);
    const left = await database.query("SELECT data ->> 'blobId' AS blob, state::text AS state FROM pgboss.job");
    assert.deepEqual(left, [{ blob: "7", state: "retry" }]);
  });

  test("retries a whole batch whose handler throws", async () => {
    const { database } = opened;
    await queue.enqueue(database, "embed-photo", blobs(5));
    const consumer = await createJobConsumer(database, testLogger);
    await consumer.consumeBatches("embed-photo", { batchSize: 10, concurrency: 1 }, async () => {
      throw new Error("no memory");
    });
    await until(async () => (await queue.counts())["embed-photo"].retrying === 5);
    await consumer.close();
  });

  test("waits for what is under way when it stops, and takes nothing more", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    let finish = (): void => {};
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let started = 0;
    const subscription = await consumer.consume("fetch-photo", { concurrency: 1 }, async () => {
      started += 1;
      await gate;
    });
    await queue.enqueue(database, "fetch-photo", photos(2));
    await until(() => started === 1);
    const stopped = subscription.stop();
    finish();
    await stopped;
    assert.equal(started, 1);
    const { waiting, active } = (await queue.counts())["fetch-photo"];
    assert.deepEqual({ waiting, active }, { waiting: 1, active: 0 });
    await consumer.close();
  });

  test("asks handlers to stop when the grace is over", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    let started = false;
    await consumer.consume("fetch-photo", { concurrency: 1 }, (_job, signal) => {
      started = true;
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await queue.enqueue(database, "fetch-photo", photos(1));
    await until(() => started);
    await consumer.close(10);
    assert.equal((await queue.counts())["fetch-photo"].retrying, 1);
  });

  test("leaves a job alone that another worker has taken over", async () => {
    const { database } = opened;
    const consumer = await createJobConsumer(database, testLogger);
    let finish = (): void => {};
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let started = false;
    await consumer.consume("fetch-photo", { concurrency: 1 }, async () => {
      started = true;
      await gate;
    });
    await queue.enqueue(database, "fetch-photo", photos(1));
    await until(() => started);
    await database.query("UPDATE pgboss.job SET retry_count = 1");
    finish();
    await consumer.close();
    assert.equal((await queue.counts())["fetch-photo"].active, 1);
  });
});
