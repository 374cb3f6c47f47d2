import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Sql } from "../database/database.type.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";

const BEAT_MS = 3_000;
/** Several beats: a worker that computes hard is late now and then. */
const ALIVE_SECONDS = 15;

export interface Presence {
  /** Says goodbye. */
  leave(): Promise<void>;
}

/** Tells the others that this process takes jobs, every few seconds until `leave`. */
export async function announceWorker(sql: Sql, logger: Logger): Promise<Presence> {
  const id = randomUUID();
  const beat = async (): Promise<void> => {
    await sql.query(
      `INSERT INTO worker_presence (id, pid, host) VALUES ($1::uuid, $2, $3)
       ON CONFLICT (id) DO UPDATE SET seen_at = now()`,
      [id, process.pid, hostname()],
    );
  };
  await beat();
  // Rows of workers that were killed.
  await sql.query(`DELETE FROM worker_presence WHERE seen_at < now() - interval '1 hour'`);
  const timer = setInterval(() => {
    beat().catch((error: unknown) => logger.warn({ reason: messageOf(error) }, "no sign of life got through"));
  }, BEAT_MS);
  timer.unref();
  return {
    async leave() {
      clearInterval(timer);
      await sql.query("DELETE FROM worker_presence WHERE id = $1::uuid", [id]);
    },
  };
}

/** Workers that gave a sign of life lately. One that was killed is counted for a quarter of a minute more. */
export async function countWorkers(sql: Sql): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM worker_presence WHERE seen_at > now() - interval '${ALIVE_SECONDS} seconds'`,
  );
  return rows[0]?.count ?? 0;
}
