import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createJobConsumer, createJobQueue } from "../../src/jobs/index.js";
import { startChild } from "../support/child.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

describeOnBothDatabases("a worker that is killed", (open) => {
  let opened: TestDatabase;
  before(async () => {
    opened = await open();
  });
  after(() => opened.drop());

  test("gives its jobs back to another one, and nothing is lost or done twice", async () => {
    const { database, config } = opened;
    const queue = await createJobQueue(database, testLogger);
    const photos = Array.from({ length: 10 }, (_, index) => ({ imageId: String(index) }));
    await queue.enqueue(database, "fetch-photo", photos);

    const worker = startChild("child-worker", JSON.stringify(config));
    await worker.saw(() => worker.messages.length === 4);
    await worker.kill();
    assert.equal((await queue.counts())["fetch-photo"].active, 4);

    const done: string[] = [];
    const retried = new Set<string>();
    const consumer = await createJobConsumer(database, testLogger);
    let finish = (): void => {};
    const all = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await consumer.consume("fetch-photo", { concurrency: 4 }, async ({ data, retryCount }) => {
      done.push(data.imageId);
      if (retryCount > 0) retried.add(data.imageId);
      if (done.length === photos.length) finish();
    });
    await all;
    await consumer.close();
    await queue.close();
    assert.deepEqual([...done].sort(), photos.map(({ imageId }) => imageId).sort());
    assert.deepEqual([...retried].sort(), [...worker.messages].sort());
    assert.deepEqual(await database.query("SELECT 1 FROM pgboss.job"), []);
  });
});
