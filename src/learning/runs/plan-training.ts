import { randomUUID } from "node:crypto";
import type { LearningPlan } from "../learning.type.js";
import { withoutSecrets } from "./learn-once.js";
import { removeWorkFolder, runKeys } from "./run-files.js";
import type { TrainModelDependencies } from "./train-model.type.js";
import type { FromTrainer } from "./trainer-message.type.js";
import { startTrainer } from "./trainer-process.js";
import { type TrainingRequest, toSnapshotRequest } from "./training-request.js";
import { TrainerCrashed, TrainerFailed } from "./training-run-errors.js";

export type PlanTrainingDependencies = Pick<
  TrainModelDependencies,
  "config" | "logger" | "artefacts" | "snapshots" | "trainerScript"
>;

/**
 * Finds out what a run would do, as the run itself would: freezes a snapshot and lets a trainer time this machine, then
 * forgets both. Takes some ten seconds, more for large catalogs.
 * @throws NotEnoughData, and what the trainer refuses, as a TrainerFailed
 */
export async function planTraining(
  { config, logger, artefacts, snapshots, trainerScript }: PlanTrainingDependencies,
  wanted: { readonly request: TrainingRequest; readonly encoder: string; readonly parentId: number },
  signal: AbortSignal,
): Promise<LearningPlan> {
  const { request, encoder, parentId } = wanted;
  const snapshot = await snapshots.build(toSnapshotRequest(request), parentId, signal);
  const id = randomUUID();
  const key = runKeys.snapshot(id);
  const sha256 = await artefacts.write(key, Buffer.from(JSON.stringify(snapshot)));
  try {
    let plan: LearningPlan | undefined;
    let failed: Extract<FromTrainer, { kind: "failed" }> | undefined;
    const { recipe, budgetMinutes, seed, device } = request;
    const trainer = startTrainer(
      {
        ...{ kind: "start", config: withoutSecrets(config), runId: id, encoder },
        request: { recipe, budgetMinutes, seed, device: device === "auto" ? config.device : device },
        ...{ snapshotKey: key, snapshotSha256: sha256, checkpointKey: null, checkpointSha256: null },
        ...{ modelKey: runKeys.model(id, 1), nextCheckpointKeys: runKeys.checkpoints(id, 1) },
      },
      (message) => {
        if (message.kind === "failed") failed = message;
        if (message.kind !== "plan") return;
        plan = message.plan;
        trainer.kill();
      },
      logger,
      trainerScript,
    );
    const abort = (): void => trainer.kill();
    signal.addEventListener("abort", abort, { once: true });
    const { lastWords } = await trainer.ended;
    signal.removeEventListener("abort", abort);
    signal.throwIfAborted();
    if (plan) return plan;
    if (failed) throw new TrainerFailed(failed.code, failed.message);
    throw new TrainerCrashed(`The trainer process ended before it had a plan. Its last words: ${lastWords}`);
  } finally {
    await artefacts.delete(key);
    await removeWorkFolder(config, id);
  }
}
