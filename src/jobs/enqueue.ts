import { createHash, randomUUID } from "node:crypto";
import type { PgBoss } from "pg-boss";
import type { Sql } from "../database/database.type.js";
import { bossInTransaction } from "./boss.js";
import type { JobMap, JobName } from "./job-map.type.js";
import type { EnqueueOptions } from "./job-queue.type.js";

/** Jobs in one statement; 5,000 are about 1 MB of JSON. */
const AT_ONCE = 5_000;

/** A unique index holds keys of up to about 2,700 bytes; payloads longer than this are keyed by their hash. */
const LONGEST_PLAIN_KEY = 500;

/**
 * Adds jobs inside the transaction behind `sql`, leaving out those whose payload equals that of a waiting one.
 *
 * A waiting job that makes another one superfluous is locked until this transaction ends. Otherwise a worker could
 * take it right now, read the rows as they were before this transaction, and the change would never be worked on.
 */
export async function enqueue<Name extends JobName>(
  boss: PgBoss,
  sql: Sql,
  name: Name,
  payloads: readonly JobMap[Name][],
  { priority = 0, startAfterSeconds = 0 }: EnqueueOptions = {},
): Promise<void> {
  const distinct = new Map(payloads.map((payload) => [keyOf(payload), payload] as const));
  // In order of their keys, so that two transactions with the same jobs wait for each other instead of deadlocking.
  const keys = [...distinct.keys()].sort();
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    let missing = keys.slice(from, from + AT_ONCE);
    while (missing.length > 0) {
      const jobs = missing.map((key) => ({
        id: randomUUID(),
        data: distinct.get(key)!,
        singletonKey: key,
        priority,
        startAfter: startAfterSeconds,
      }));
      const inserted = await boss.insert(name, jobs, { db: bossInTransaction(sql), returnId: true });
      const done = new Set(inserted);
      missing = jobs.filter(({ id }) => !done.has(id)).map(({ singletonKey }) => singletonKey);
      if (missing.length > 0) {
        const held = new Set(await holdWaiting(sql, name, missing, priority, startAfterSeconds));
        // What a worker took between the two statements is running, and so must be added after all.
        missing = missing.filter((key) => !held.has(key));
      }
    }
  }
}

/** Locks the waiting jobs of these keys, and moves them forward if the new request is more urgent. */
async function holdWaiting(
  sql: Sql,
  name: JobName,
  keys: readonly string[],
  priority: number,
  startAfterSeconds: number,
): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    `WITH held AS (
       SELECT id, singleton_key FROM pgboss.job
       WHERE name = $1 AND state = 'created' AND policy = 'short' AND COALESCE(singleton_key, '') = ANY ($2::text[])
       ORDER BY singleton_key
       FOR UPDATE
     ), moved AS (
       UPDATE pgboss.job SET priority = GREATEST(priority, $3::int),
                             start_after = LEAST(start_after, now() + $4::int * interval '1 second')
       WHERE name = $1 AND id IN (SELECT id FROM held)
         AND (priority < $3::int OR start_after > now() + $4::int * interval '1 second')
     )
     SELECT singleton_key AS key FROM held`,
    [name, keys, priority, startAfterSeconds],
  );
  return rows.map(({ key }) => key);
}

/** The same for equal payloads, whatever the order of their fields. */
function keyOf(payload: object): string {
  const fields = Object.entries(payload).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(fields));
  return text.length <= LONGEST_PLAIN_KEY ? text : createHash("sha256").update(text).digest("hex");
}
