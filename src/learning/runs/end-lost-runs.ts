import type { Config } from "../../config.js";
import type { Database } from "../../database/database.type.js";
import type { FailedJobs } from "../../jobs/job-queue.type.js";
import { lookRegularly } from "../../jobs/look-regularly.js";
import type { Logger } from "../../logger.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import { removeOldRunFiles } from "./remove-old-run-files.js";
import { endLostRun, findLostRuns } from "./run-attempts.repository.js";
import { removeWorkFolder, runsWithWorkFolder } from "./run-files.js";
import { TrainingGivenUp } from "./training-run-errors.js";
import { findRun } from "./training-runs.repository.js";

export interface EndLostRunsDependencies {
  readonly database: Database;
  readonly queue: Pick<FailedJobs, "failed">;
  readonly artefacts: Pick<ArtefactStore, "delete">;
  readonly config: Pick<Config, "data">;
  readonly logger: Logger;
}

/**
 * Ends, as FAILED with a TrainingGivenUp, the runs whose job has used up its attempts: a worker that is killed in the
 * last one has nobody left to say so. Any number of workers may do it at once.
 * @returns ids of the runs
 */
export async function endLostRuns({ database, queue, logger }: EndLostRunsDependencies): Promise<string[]> {
  const lost = await findLostRuns(database);
  if (lost.length === 0) return [];
  const jobs = await queue.failed("train-model");
  const ended: string[] = [];
  for (const run of lost) {
    const reason = jobs.find(({ data }) => data.runId === run.id)?.reason ?? "its job is gone";
    const { code, message } = new TrainingGivenUp(reason);
    if (!(await endLostRun(database, run, { code, message }))) continue;
    logger.warn({ runId: run.id, reason }, "training given up after its last attempt");
    ended.push(run.id);
  }
  return ended;
}

/** Removes the caches of this machine whose run has ended: those of a worker that was killed. */
export async function removeOldWorkFolders({ database, config }: EndLostRunsDependencies): Promise<void> {
  for (const id of await runsWithWorkFolder(config)) {
    const run = await findRun(database, id);
    if (!run || (run.state !== "QUEUED" && run.state !== "RUNNING")) await removeWorkFolder(config, id);
  }
}

/** Does both, and removes files of old runs, every half minute, and once at the start. */
export function startEndingLostRuns(dependencies: EndLostRunsDependencies): { stop(): Promise<void> } {
  const look = async (): Promise<void> => {
    await endLostRuns(dependencies);
    await removeOldWorkFolders(dependencies);
    await removeOldRunFiles(dependencies);
  };
  return lookRegularly(look, {
    logger: dependencies.logger,
    failed: "trainings that were given up could not be looked for",
  });
}
