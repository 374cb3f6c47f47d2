import type { Core } from "../../src/compose.js";
import type { Sql } from "../../src/database/database.type.js";
import type { TrainModelDependencies } from "../../src/learning/runs/train-model.type.js";
import { createTraining, type Training } from "../../src/learning/runs/training.js";
import type { Snapshot } from "../../src/learning/snapshot/snapshot.type.js";
import { createArtefactStore } from "../../src/models/artefact-store.js";
import { testLogger } from "./database.js";

/** The played trainer in place of the real one. */
export const PLAYED_TRAINER = new URL("./learning-trainer.js", import.meta.url);

/** The train-model job with a played trainer and the plainest snapshot; everything else is real. */
export function playedTraining(core: Core, changes: Partial<TrainModelDependencies> = {}): TrainModelDependencies {
  const { database, queue, config, encoders, models } = core;
  return {
    database,
    queue,
    config,
    logger: testLogger,
    artefacts: createArtefactStore(config),
    encoders,
    models,
    buildSnapshot: async ({ seed, positives }) => plainSnapshot(database, seed, positives),
    trainerScript: PLAYED_TRAINER,
    ...changes,
  };
}

export function trainingOf({ database, queue, models }: Core): Training {
  return createTraining({ database, queue, models });
}

async function plainSnapshot(sql: Sql, seed: number, positives: Snapshot["positives"]): Promise<Snapshot> {
  const rows = await sql.query<{ id: bigint; product: bigint; blob: bigint; hash: string; label: string }>(
    `SELECT i.id, i.product_id AS product, i.blob_id AS blob, b.content_hash AS hash, p.category_path[2] AS label
     FROM product_image i JOIN product p ON p.id = i.product_id JOIN image_blob b ON b.id = i.blob_id ORDER BY i.id`,
  );
  const names = [...new Set(rows.map(({ label }) => label))].sort();
  return {
    format: 1,
    seed,
    positives,
    labelNames: [names],
    photos: rows.map(({ id, product, blob, hash, label }) => ({
      imageId: String(id),
      productId: String(product),
      blobId: String(blob),
      contentHash: hash,
      split: "train",
      labels: [names.indexOf(label)],
      duplicateGroup: -1,
    })),
    leftOut: {},
  };
}
