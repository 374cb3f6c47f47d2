import type { JobAttempt, PgBoss } from "pg-boss";
import type { Database } from "../database/database.type.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { JobName } from "./job-map.type.js";

/** Three signs of life fit into HEARTBEAT_SECONDS, so one that is late does no harm. */
const BEAT_MS = 4_000;
const TRY_AGAIN_MS = 500;
/** Longer than a server's restart. After it the job comes back by itself, for want of signs of life. */
const SETTLE_FOR_MS = 20_000;

type Outcome = "done" | { readonly failure: Error };

interface Settlement {
  readonly attempt: JobAttempt;
  readonly outcome: Outcome;
  readonly settled: () => void;
}

/** The jobs of one queue that this process has taken and not yet settled. */
export interface Claims {
  /** From now on the job is kept alive; the signal fires when it was lost or `abandon` is called. */
  claim(attempt: JobAttempt): AbortSignal;
  /** Resolves when the outcome is stored, or when the claim is given up because that cannot be done. */
  settle(attempt: JobAttempt, outcome: Outcome): Promise<void>;
  /** Asks all handlers to stop. */
  abandon(reason: Error): void;
  close(): void;
}

/**
 * Keeps claims alive and stores outcomes, many in one statement: what is settled while a statement runs goes into the
 * next one. Every statement names the attempt, so a job that was lost to another worker is left alone.
 */
export function createClaims({ pool }: Database, boss: PgBoss, name: JobName, logger: Logger): Claims {
  const held = new Map<string, { readonly attempt: JobAttempt; readonly controller: AbortController }>();
  let waiting: Settlement[] = [];
  let storing = false;

  const beat = async (): Promise<void> => {
    const attempts = [...held.values()].map(({ attempt }) => attempt);
    if (attempts.length === 0) return;
    // Not pg-boss's touch(), which says how many were alive and not which.
    const { rows } = await pool.query<{ id: string }>(
      `UPDATE pgboss.job SET heartbeat_on = now() WHERE name = $1 AND state = 'active'
         AND (id, retry_count) IN (SELECT * FROM unnest($2::uuid[], $3::int[])) RETURNING id`,
      [name, attempts.map(({ id }) => id), attempts.map(({ retryCount }) => retryCount)],
    );
    const alive = new Set(rows.map(({ id }) => id));
    for (const { id } of attempts) {
      if (!alive.has(id)) held.get(id)?.controller.abort(new Error("the job was taken over by another worker"));
    }
  };
  const timer = setInterval(() => {
    beat().catch((error: unknown) =>
      logger.warn({ job: name, reason: messageOf(error) }, "no sign of life got through"),
    );
  }, BEAT_MS);

  const store = async (): Promise<void> => {
    if (storing) return;
    storing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await storeBatch(batch);
      for (const { attempt, settled } of batch) {
        held.delete(attempt.id);
        settled();
      }
    }
    storing = false;
  };

  const storeBatch = async (batch: readonly Settlement[]): Promise<void> => {
    const done: JobAttempt[] = [];
    const failed = new Map<string, JobAttempt[]>();
    for (const { attempt, outcome } of batch) {
      if (outcome === "done") done.push(attempt);
      else failed.set(outcome.failure.message, [...(failed.get(outcome.failure.message) ?? []), attempt]);
    }
    // Deleted rather than marked complete: an import leaves a million of them, and nothing reads them again.
    if (done.length > 0) await insist(() => boss.deleteJob(name, done), done);
    for (const [message, attempts] of failed) {
      await insist(() => boss.fail(name, attempts, { message }), attempts);
    }
  };

  const insist = async (statement: () => Promise<unknown>, attempts: readonly JobAttempt[]): Promise<void> => {
    const deadline = Date.now() + SETTLE_FOR_MS;
    for (;;) {
      try {
        await statement();
        return;
      } catch (error) {
        if (Date.now() > deadline) {
          logger.error({ job: name, jobs: attempts.length, reason: messageOf(error) }, "outcomes could not be stored");
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
  };

  return {
    claim(attempt) {
      const controller = new AbortController();
      held.set(attempt.id, { attempt, controller });
      return controller.signal;
    },
    settle(attempt, outcome) {
      return new Promise((settled) => {
        waiting.push({ attempt, outcome, settled });
        void store();
      });
    },
    abandon(reason) {
      for (const { controller } of held.values()) controller.abort(reason);
    },
    close() {
      clearInterval(timer);
    },
  };
}
