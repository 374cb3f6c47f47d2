import type { Sql } from "../../database/database.type.js";
import { messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import { beat, type RunProgress } from "./run-attempts.repository.js";
import type { RunAttempt } from "./training-run.type.js";
import { TrainingRunLost } from "./training-run-errors.js";

/** A cancelled run ends within 2 s, so its worker looks more often than that. One look costs 0.5 ms embedded. */
const LOOK_EVERY_MS = 400;

/**
 * Gives signs of life for an attempt, stores its progress with them, and sees when it is to stop. A database that is
 * away for a moment is looked for again.
 * @param stop called once; lost: the run is another attempt's now, or ended
 */
export function watchRun(
  { sql, logger }: { readonly sql: Sql; readonly logger: Logger },
  attempt: RunAttempt,
  takeProgress: () => RunProgress | undefined,
  stop: (reason: "cancelled" | "lost") => void,
): { end(): Promise<void> } {
  let over = false;
  let looking = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    try {
      if (await beat(sql, attempt, takeProgress())) finish("cancelled");
    } catch (error) {
      if (error instanceof TrainingRunLost) finish("lost");
      else logger.warn({ runId: attempt.id, reason: messageOf(error) }, "no sign of life of a training got through");
    }
  };
  const finish = (reason: "cancelled" | "lost"): void => {
    if (over) return;
    over = true;
    stop(reason);
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      looking = look().then(() => {
        if (!over) schedule();
      });
    }, LOOK_EVERY_MS);
  };
  schedule();
  return {
    async end() {
      over = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
