import { isOutage } from "../../catalog/import/survive-outage.js";
import type { Sql } from "../../database/database.type.js";
import { codeOf, LookalikeError, messageOf } from "../../errors.js";
import { saveDistribution } from "../distribution/distribution.repository.js";
import type { AttemptEnd } from "./learn-once.js";
import { endAttempt, endCancelled, handOverRun, releaseRun } from "./run-attempts.repository.js";
import { removeLeftovers, removeWorkFolder } from "./run-files.js";
import type { TrainModelDependencies } from "./train-model.type.js";
import type { RunFailure, TrainingRun } from "./training-run.type.js";
import { TrainerCrashed, TrainerFailed, TrainingRunLost } from "./training-run-errors.js";

/**
 * Puts a run where the end of an attempt leads it: on to the refresh of its model, to its end, or back to wait.
 * @throws what the attempt failed of, when the job is to be tried again
 */
export async function settleAttempt(
  dependencies: TrainModelDependencies,
  run: TrainingRun,
  end: AttemptEnd,
  { isLast }: { readonly isLast: boolean },
): Promise<void> {
  const { database, queue, logger } = dependencies;
  switch (end.kind) {
    case "finished":
      try {
        await handOver(dependencies, run, end);
      } catch (error) {
        if (error instanceof TrainingRunLost) return endStopped(dependencies, run);
        await fail(dependencies, run, error, isLast);
      }
      return;
    case "failed":
      return fail(dependencies, run, end.error, isLast);
    case "stopped":
      if (end.why !== "released") return endStopped(dependencies, run);
      await database.transaction(async (sql) => {
        if (await releaseRun(sql, run)) await queue.enqueue(sql, "train-model", [{ runId: run.id }]);
      });
      logger.info({ runId: run.id }, "the worker ends; the next one goes on with the training");
      return;
    default:
      end satisfies never;
  }
}

/** The model and the run's next state are written together: there is never one without the other. */
async function handOver(
  { database, queue, config, logger, artefacts, models }: TrainModelDependencies,
  run: TrainingRun,
  { encoder, words, finished }: Extract<AttemptEnd, { kind: "finished" }>,
): Promise<void> {
  const { modelKey: weightsKey, sha256: weightsSha256, dims, kind: _, ...result } = finished;
  const labels = run.request.positives[0]!.kind;
  const modelId = await database.transaction(async (sql: Sql) => {
    const trained = { runId: run.id, parentId: run.parentId, encoder, weightsKey, weightsSha256, dims };
    const { id } = await models.registerTrained(sql, trained);
    await handOverRun(sql, run, id, { dims, ...result });
    const { before, after } = words.distributions;
    if (before) await saveDistribution(sql, run.parentId, labels, before);
    if (after) await saveDistribution(sql, id, labels, after);
    await queue.enqueue(sql, "refresh-model", [{ modelId: id }]);
    return id;
  });
  logger.info({ runId: run.id, modelId, steps: result.steps, seconds: result.seconds }, "training finished");
  await clearTrained({ config, artefacts }, run);
}

/** Removes what a run that has made its model needs no more: caches, checkpoints, and encoders of lost attempts. */
export async function clearTrained(
  { config, artefacts }: Pick<TrainModelDependencies, "config" | "artefacts">,
  run: Pick<TrainingRun, "id" | "attempts">,
): Promise<void> {
  await removeWorkFolder(config, run.id);
  await removeLeftovers(artefacts, run);
}

async function fail(
  { database, config, logger }: TrainModelDependencies,
  run: TrainingRun,
  error: unknown,
  isLast: boolean,
): Promise<void> {
  const failure: RunFailure = { code: codeOf(error), message: messageOf(error) };
  if (!isLast && isWorthAnotherTry(error)) {
    logger.warn({ runId: run.id, ...failure }, "an attempt at the training failed; it is tried again");
    await releaseRun(database, run, failure);
    throw error;
  }
  logger.warn({ runId: run.id, err: error }, "training failed");
  if (await endAttempt(database, run, failure)) await removeWorkFolder(config, run.id);
}

/** The run was cancelled, or is no longer this worker's. */
async function endStopped({ database, config, logger }: TrainModelDependencies, run: TrainingRun): Promise<void> {
  if (await endCancelled(database, run)) {
    logger.info({ runId: run.id }, "training cancelled");
    await removeWorkFolder(config, run.id);
  } else logger.warn({ runId: run.id }, "this run is another worker's now, or ended");
}

/** A crash, a database that is away, or what nobody foresaw; not what the program found out about its input. */
function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof TrainerCrashed || isOutage(error)) return true;
  if (error instanceof TrainerFailed) return error.isUnforeseen;
  return !(error instanceof LookalikeError);
}
