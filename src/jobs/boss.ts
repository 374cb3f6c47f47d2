import pg from "pg";
import { type Db, PgBoss } from "pg-boss";
import type { Database, Sql } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import { jobNames, queueOptions } from "./queue-options.js";

const MAINTENANCE_SECONDS = 600;

/**
 * pg-boss on our pool, with its tables and our queues in place.
 * @param maintain whether this process also does the queue's housekeeping
 */
export async function startBoss(database: Database, logger: Logger, maintain: boolean): Promise<PgBoss> {
  const boss = new PgBoss({
    db: bossOnPool(database),
    backend: database.kind === "embedded" ? "pglite" : "postgres",
    supervise: maintain,
    superviseIntervalSeconds: MAINTENANCE_SECONDS,
    // Its statistics count every waiting job, which is too much work for each few seconds of a large import.
    monitorIntervalSeconds: MAINTENANCE_SECONDS,
    schedule: false,
    registerInstance: false,
    reindex: database.kind === "postgres",
    monitorVacuum: false,
  });
  boss.on("error", (error) => logger.warn({ reason: error.message }, "the job queue's housekeeping failed"));
  boss.on("warning", ({ message }) => logger.debug({ reason: message }, "the job queue warns"));
  await boss.start();
  const known = new Set((await boss.getQueues()).map(({ name }) => name));
  for (const name of jobNames) {
    // "short": of equal jobs one may wait, however many run; see enqueue.ts.
    if (!known.has(name)) await boss.createQueue(name, { ...queueOptions[name], policy: "short" });
    else await boss.updateQueue(name, queueOptions[name]);
  }
  return boss;
}

function bossOnPool({ pool }: Database): Db {
  return {
    // pg-boss wants int8 the way pg gives it by default, not our bigint.
    executeSql: async (text, values) => pool.query({ text, ...(values ? { values } : {}), types: pg.types }),
  };
}

/** Lets pg-boss write inside the caller's transaction. */
export function bossInTransaction(sql: Sql): Db {
  return { executeSql: async (text, values) => ({ rows: await sql.query(text, values) }) };
}
