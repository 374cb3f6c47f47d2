import { setTimeout as delay } from "node:timers/promises";
import { ProductCreatedMeanwhile } from "./product-rows.js";

const ATTEMPTS = 6;
/** serialization_failure and deadlock_detected: the database asks for the transaction to be run again. */
const RETRYABLE_STATES = new Set(["40001", "40P01"]);

function isConflict(error: unknown): boolean {
  if (error instanceof ProductCreatedMeanwhile) return true;
  return error instanceof Error && "code" in error && RETRYABLE_STATES.has(String(error.code));
}

/** Runs a catalog transaction again when another writer crossed its way; it must start from the beginning. */
export async function retryConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === ATTEMPTS || !isConflict(error)) throw error;
      await delay(Math.random() * 20 * 2 ** attempt);
    }
  }
}
