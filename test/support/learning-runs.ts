import type { Core } from "../../src/compose.js";
import type { TrainModelDependencies } from "../../src/learning/runs/train-model.type.js";
import { createTraining, type Training } from "../../src/learning/runs/training.js";
import { createSnapshotBuilder } from "../../src/learning/snapshot/index.js";
import { createArtefactStore } from "../../src/models/artefact-store.js";
import { testLogger } from "./database.js";

/** The played trainer in place of the real one. */
export const PLAYED_TRAINER = new URL("./learning-trainer.js", import.meta.url);

/** The train-model job with a played trainer; everything else is real. */
export function playedTraining(core: Core, changes: Partial<TrainModelDependencies> = {}): TrainModelDependencies {
  const { database, queue, config, encoders, models, vectors } = core;
  return {
    database,
    queue,
    config,
    logger: testLogger,
    artefacts: createArtefactStore(config),
    encoders,
    models,
    snapshots: createSnapshotBuilder({ database, vectors }),
    trainerScript: PLAYED_TRAINER,
    ...changes,
  };
}

export function trainingOf({ database, queue, models, snapshots }: Core): Training {
  const plan = () => Promise.reject(new Error("not played"));
  return createTraining({ database, queue, models, snapshots, plan });
}
