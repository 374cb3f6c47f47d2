import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { endLostImports } from "../../src/catalog/import/end-lost-imports.js";
import { createStartImport } from "../../src/catalog/import/start-import.js";
import { createJobQueue } from "../../src/jobs/index.js";
import { describeOnBothDatabases, type TestDatabase, testLogger } from "../support/database.js";

describeOnBothDatabases("imports whose job was given up", (open) => {
  let test: TestDatabase;
  let queue: Awaited<ReturnType<typeof createJobQueue>>;
  before(async () => {
    test = await open();
    queue = await createJobQueue(test.database, testLogger);
  });
  after(async () => {
    await queue.close();
    await test.drop();
  });

  /** A run as a worker leaves it that was killed in the middle, and its job in the state the queue then has it in. */
  async function runWith(jobState: "retry" | "failed", runState = "RUNNING"): Promise<string> {
    const begin = createStartImport({ database: test.database, queue });
    const { id } = await begin({ url: "https://shop.example/feed.csv", snapshot: false, allowMassDelete: false });
    await test.database.query("UPDATE import_run SET state = $2::import_state WHERE id = $1", [id, runState]);
    await test.database.query(
      `UPDATE pgboss.job SET state = $2::pgboss.job_state, completed_on = now(),
         output = '{"message": "the worker that ran it has ended or hangs"}'
       WHERE name = 'import-catalog' AND data->>'importRunId' = $1`,
      [id, jobState],
    );
    return id;
  }

  it("are recorded as failed, with what to do; others are left alone", async () => {
    const lost = await runWith("failed");
    const trying = await runWith("retry");
    const ended = await runWith("failed", "SUCCEEDED");
    const look = () => endLostImports({ database: test.database, queue, logger: testLogger });
    assert.deepEqual(await look(), [lost]);
    assert.deepEqual(await look(), []);
    const rows = await test.database.query<{ id: string; state: string; failure: string | null; ended: boolean }>(
      "SELECT id, state, failure, finished_at IS NOT NULL AS ended FROM import_run",
    );
    const stored = new Map(rows.map((row) => [row.id, row]));
    assert.deepEqual([stored.get(lost)?.state, stored.get(lost)?.ended], ["FAILED", true]);
    assert.match(
      String(stored.get(lost)?.failure),
      /^IMPORT_GIVEN_UP: .*the worker that ran it has ended or hangs.*importCatalog with the same url/,
    );
    assert.equal(stored.get(trying)?.state, "RUNNING");
    assert.equal(stored.get(ended)?.state, "SUCCEEDED");
  });
});
