import { hostname } from "node:os";
import type { Job } from "../../jobs/job-queue.type.js";
import { learnOnce, type StopReason } from "./learn-once.js";
import { beginAttempt } from "./run-attempts.repository.js";
import { clearTrained, settleAttempt } from "./settle-attempt.js";
import { settleParent } from "./settle-parent.js";
import type { TrainModelDependencies } from "./train-model.type.js";
import { findRun } from "./training-runs.repository.js";

/** Attempts in which a trainer may crash before its run fails. */
const MAX_ATTEMPTS = 4;
/** How soon a run that has to wait looks again. */
const LOOK_AGAIN_SECONDS = 5;

/**
 * Trains a model in a process of its own, and hands over to refresh-model. A run that a killed worker left behind, or
 * whose trainer crashed, goes on from its last checkpoint; one whose device is taken waits for it.
 */
export function createTrainModelJob(
  dependencies: TrainModelDependencies,
): (job: Job<"train-model">, signal: AbortSignal) => Promise<void> {
  const { database, queue, logger, stopping, host = hostname() } = dependencies;
  return async ({ data: { runId }, retryCount }, signal) => {
    const lookAgain = (): Promise<void> =>
      database.transaction((sql) =>
        queue.enqueue(sql, "train-model", [{ runId }], { startAfterSeconds: LOOK_AGAIN_SECONDS }),
      );
    if (!(await settleParent(dependencies, runId))) {
      logger.info({ runId }, "the encoder has changed; the training waits for its vectors");
      return lookAgain();
    }
    const begun = await database.transaction((sql) => beginAttempt(sql, runId, host));
    if (begun.outcome === "over") {
      // The job of a worker that was killed after it had handed over, and before it had cleared up, comes again.
      const run = await findRun(database, runId);
      if (run !== undefined && run.modelId !== null) await clearTrained(dependencies, run);
      return;
    }
    if (begun.outcome === "busy") {
      logger.debug({ runId, by: begun.by }, "the device trains another run; this one waits");
      return lookAgain();
    }
    const stop = new AbortController();
    const release = (): void => stop.abort("released" satisfies StopReason);
    const ending = stopping ? AbortSignal.any([signal, stopping]) : signal;
    if (ending.aborted) release();
    ending.addEventListener("abort", release, { once: true });
    try {
      const end = await learnOnce(dependencies, begun.run, stop);
      await settleAttempt(dependencies, begun.run, end, { isLast: retryCount + 1 >= MAX_ATTEMPTS });
    } finally {
      ending.removeEventListener("abort", release);
    }
  };
}
