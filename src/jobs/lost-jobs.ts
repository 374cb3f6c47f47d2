import type { PgBoss } from "pg-boss";
import type { Database } from "../database/database.type.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { JobName } from "./job-map.type.js";

const SWEEP_MS = 5_000;

/**
 * Gives back, every few seconds, the jobs of workers that were killed: active ones without a sign of life. Any number
 * of processes may do this at once, because a job is only failed for the attempt that was seen.
 *
 * pg-boss's own supervision does this too, but counts every waiting job each time it does.
 * @returns stops it, after the sweep under way
 */
export function sweepLostJobs(database: Database, boss: PgBoss, logger: Logger): () => Promise<void> {
  let sweeping = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping
      .then(() => sweep(database, boss, logger))
      .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, "lost jobs could not be looked for"));
  }, SWEEP_MS);
  return async () => {
    clearInterval(timer);
    await sweeping;
  };
}

async function sweep({ pool }: Database, boss: PgBoss, logger: Logger): Promise<void> {
  const { rows } = await pool.query<{ name: JobName; id: string; retryCount: number }>(
    `SELECT name, id, retry_count AS "retryCount" FROM pgboss.job
     WHERE state = 'active' AND heartbeat_on + heartbeat_seconds * interval '1 second' < now()`,
  );
  for (const name of new Set(rows.map((row) => row.name))) {
    const attempts = rows.filter((row) => row.name === name).map(({ id, retryCount }) => ({ id, retryCount }));
    await boss.fail(name, attempts, { message: "the worker that ran it has ended or hangs" });
    logger.info({ job: name, jobs: attempts.length }, "jobs of a lost worker were given back");
  }
}
