import type { Database } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import { startBoss } from "./boss.js";
import { enqueue } from "./enqueue.js";
import type { JobMap, JobName } from "./job-map.type.js";
import type { FailedJob, FailedJobs, JobQueue } from "./job-queue.type.js";
import { jobNames } from "./queue-options.js";

const LISTED_AT_ONCE = 100;

/** The writing end of the queue: for the API, the CLI, and for jobs that make further jobs. It never polls. */
export async function createJobQueue(
  database: Database,
  logger: Logger,
): Promise<JobQueue & FailedJobs & { close(): Promise<void> }> {
  const boss = await startBoss(database, logger, false);
  return {
    enqueue: (sql, name, payloads, options) => enqueue(boss, sql, name, payloads, options),
    counts: () => countJobs(database),
    failed: (name, limit = LISTED_AT_ONCE) => listFailed(database, name, limit),
    retryFailed: (name, ids) => retryFailed(database, name, ids),
    close: () => boss.stop({ graceful: false, close: false }),
  };
}

async function countJobs(database: Database): ReturnType<JobQueue["counts"]> {
  const rows = await database.query<{ name: JobName; state: string; jobs: number }>(
    `SELECT name, state::text AS state, count(*)::int AS jobs FROM pgboss.job
     WHERE name = ANY ($1) AND state IN ('created', 'active', 'retry', 'failed') GROUP BY 1, 2`,
    [jobNames],
  );
  const found = (name: JobName, state: string): number =>
    rows.find((row) => row.name === name && row.state === state)?.jobs ?? 0;
  const counts = jobNames.map((name) => [
    name,
    {
      waiting: found(name, "created"),
      active: found(name, "active"),
      retrying: found(name, "retry"),
      failed: found(name, "failed"),
    },
  ]);
  return Object.fromEntries(counts) as Awaited<ReturnType<JobQueue["counts"]>>;
}

async function listFailed<Name extends JobName>(
  database: Database,
  name: Name,
  limit: number,
): Promise<FailedJob<Name>[]> {
  const rows = await database.query<{ id: string; data: JobMap[Name]; reason: string | null; failedAt: Date }>(
    `SELECT id, data, COALESCE(output ->> 'message', output -> 'value' ->> 'message') AS reason,
            completed_on AS "failedAt"
     FROM pgboss.job WHERE name = $1 AND state = 'failed' ORDER BY completed_on DESC, id LIMIT $2`,
    [name, limit],
  );
  return rows.map((row) => ({ ...row, reason: row.reason ?? "no reason was recorded" }));
}

async function retryFailed(database: Database, name: JobName, ids?: readonly string[]): Promise<number> {
  // pg-boss's own retry() takes ids only, and adds one attempt; here the job gets all its attempts again.
  const rows = await database.query(
    `UPDATE pgboss.job
     SET state = 'retry', completed_on = NULL, started_on = NULL, retry_count = 0, start_after = now()
     WHERE name = $1 AND state = 'failed' AND ($2::uuid[] IS NULL OR id = ANY ($2::uuid[]))
     RETURNING id`,
    [name, ids ?? null],
  );
  return rows.length;
}
