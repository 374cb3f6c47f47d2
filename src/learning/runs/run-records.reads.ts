import type { Sql } from "../../database/database.type.js";
import type { LearningEpoch, ValidationFigures } from "../learning.type.js";

export interface EpochRow extends Omit<LearningEpoch, "validation" | "meanPositiveDistance" | "meanNegativeDistance"> {
  readonly validation: ValidationFigures | null;
  readonly meanPositiveDistance: number | null;
  readonly meanNegativeDistance: number | null;
}

export interface TripletRow {
  readonly epoch: number;
  readonly anchor: bigint;
  readonly positive: bigint;
  readonly negative: bigint;
  readonly positiveDistance: number;
  readonly negativeDistance: number;
}

export interface SuspectRow {
  readonly imageId: bigint;
  readonly productId: bigint;
  readonly label: string;
  readonly suggested: string;
  readonly agreement: number;
}

/** Epochs of a run in their order; those after a given one. */
export function readEpochs(sql: Sql, runId: string, after = 0): Promise<EpochRow[]> {
  return sql.query<EpochRow>(
    `SELECT epoch, stage, step, loss, active, gradient_norm AS "gradientNorm", learning_rate AS "learningRate",
            validation, mean_positive_distance AS "meanPositiveDistance",
            mean_negative_distance AS "meanNegativeDistance", seconds
     FROM training_epoch WHERE run_id = $1::uuid AND epoch > $2::int ORDER BY epoch`,
    [runId, after],
  );
}

/** The hardest of an epoch; of the last one that has any when none is named. */
export function readTriplets(sql: Sql, runId: string, epoch: number | undefined, limit: number): Promise<TripletRow[]> {
  return sql.query<TripletRow>(
    `SELECT epoch, anchor_image_id AS anchor, positive_image_id AS positive, negative_image_id AS negative,
            positive_distance AS "positiveDistance", negative_distance AS "negativeDistance"
     FROM mined_triplet
     WHERE run_id = $1::uuid
       AND epoch = coalesce($2::int, (SELECT max(epoch) FROM mined_triplet WHERE run_id = $1::uuid))
     ORDER BY rank LIMIT $3::int`,
    [runId, epoch ?? null, limit],
  );
}

/** Those whose neighbours agree least come first. */
export function readSuspects(sql: Sql, runId: string, limit: number): Promise<SuspectRow[]> {
  return sql.query<SuspectRow>(
    `SELECT image_id AS "imageId", product_id AS "productId", label, suggested, agreement
     FROM suspect_label WHERE run_id = $1::uuid ORDER BY agreement, image_id LIMIT $2::int`,
    [runId, limit],
  );
}
