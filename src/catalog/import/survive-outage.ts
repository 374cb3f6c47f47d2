import { setTimeout as delay } from "node:timers/promises";
import { LookalikeError, messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";

/** Longest time without a database that an import waits through: a restart of the server takes seconds. */
const PATIENCE_MS = 60_000;

/** Operating system and Postgres codes of a connection that is gone or not there yet. */
const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOENT", // the embedded database's socket, while its server restarts
  "ENOTCONN",
  "57P01",
  "57P02",
  "57P03",
  "DATABASE_UNREACHABLE",
  "DATABASE_NOT_RUNNING",
]);

const CONNECTION_MESSAGES =
  /connection terminated|connection error|timeout exceeded when trying to connect|not queryable/i;

/** The database stayed away for longer than is waited for. */
export class DatabaseAway extends Error {}

/** Whether an error means that the database cannot be reached at the moment. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Errors of our own say what they are; the cause of a missing feed, say, looks like that of a missing socket.
  if (error instanceof LookalikeError) return CONNECTION_CODES.has(error.code);
  const code = "code" in error ? String(error.code) : "";
  if (CONNECTION_CODES.has(code) || code.startsWith("08") || CONNECTION_MESSAGES.test(error.message)) return true;
  if (error instanceof AggregateError && error.errors.some(isOutage)) return true;
  return error.cause !== undefined && isOutage(error.cause);
}

/**
 * Runs database work again while the database is away, for at most a minute. The work must be safe to repeat: a commit
 * may have gone through although its answer was lost.
 * @throws DatabaseAway after that time
 */
export async function surviveOutage<T>(
  work: () => Promise<T>,
  options: { readonly logger: Logger; readonly signal?: AbortSignal; readonly patienceMs?: number },
): Promise<T> {
  const giveUpAt = Date.now() + (options.patienceMs ?? PATIENCE_MS);
  for (let pause = 100; ; pause = Math.min(pause * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || options.signal?.aborted) throw error;
      if (Date.now() + pause > giveUpAt) throw new DatabaseAway(messageOf(error), { cause: error });
      options.logger.warn({ err: error, retryInMs: pause }, "the database is away; trying again");
      await delay(pause, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}
