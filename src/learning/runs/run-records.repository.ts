import type { Database, Sql } from "../../database/database.type.js";
import type { MinedTriplet, Suspect } from "../../mining/mining.type.js";
import type { GuardRecord, LearningEpoch, LearningPlan } from "../learning.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import { holdAttempt } from "./run-attempts.repository.js";
import type { RunAttempt, SuspectAccuracy } from "./training-run.type.js";

type Transactions = Pick<Database, "transaction">;

/** @throws TrainingRunLost; so do all of these */
export function recordPlan(database: Transactions, attempt: RunAttempt, plan: LearningPlan): Promise<void> {
  return within(database, attempt, async (sql) => {
    await sql.query("UPDATE training_run SET plan = $2::jsonb, device = $3 WHERE id = $1::uuid", [
      attempt.id,
      JSON.stringify(plan),
      plan.device,
    ]);
  });
}

/** An epoch that an attempt repeats after a resume takes the place of what it was. */
export function recordEpoch(database: Transactions, attempt: RunAttempt, epoch: LearningEpoch): Promise<void> {
  return within(database, attempt, async (sql) => {
    await sql.query(
      `INSERT INTO training_epoch (run_id, epoch, stage, step, loss, active, gradient_norm, learning_rate, validation,
         mean_positive_distance, mean_negative_distance, seconds)
       VALUES ($1::uuid, $2::int, $3, $4::int, $5::float8, $6::float8, $7::float8, $8::float8, $9::jsonb, $10::float8,
         $11::float8, $12::float8)
       ON CONFLICT (run_id, epoch) DO UPDATE SET stage = excluded.stage, step = excluded.step, loss = excluded.loss,
         active = excluded.active, gradient_norm = excluded.gradient_norm, learning_rate = excluded.learning_rate,
         validation = excluded.validation, mean_positive_distance = excluded.mean_positive_distance,
         mean_negative_distance = excluded.mean_negative_distance, seconds = excluded.seconds`,
      [
        attempt.id,
        epoch.epoch,
        epoch.stage,
        epoch.step,
        epoch.loss,
        epoch.active,
        epoch.gradientNorm,
        epoch.learningRate,
        epoch.validation === undefined ? null : JSON.stringify(epoch.validation),
        epoch.meanPositiveDistance ?? null,
        epoch.meanNegativeDistance ?? null,
        epoch.seconds,
      ],
    );
  });
}

export function recordTriplets(
  database: Transactions,
  attempt: RunAttempt,
  { photos }: Pick<Snapshot, "photos">,
  epoch: number,
  triplets: readonly MinedTriplet[],
): Promise<void> {
  const imageId = (place: number): string => photos[place]!.imageId;
  return within(database, attempt, async (sql) => {
    await sql.query("DELETE FROM mined_triplet WHERE run_id = $1::uuid AND epoch = $2::int", [attempt.id, epoch]);
    await sql.query(
      `INSERT INTO mined_triplet (run_id, epoch, rank, anchor_image_id, positive_image_id, negative_image_id,
         positive_distance, negative_distance)
       SELECT $1::uuid, $2::int, place, anchor, positive, negative, near, far
       FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::float8[], $7::float8[])
         WITH ORDINALITY AS mined (anchor, positive, negative, near, far, place)`,
      [
        attempt.id,
        epoch,
        triplets.map(({ anchor }) => imageId(anchor)),
        triplets.map(({ positive }) => imageId(positive)),
        triplets.map(({ negative }) => imageId(negative)),
        triplets.map(({ positiveDistance }) => positiveDistance),
        triplets.map(({ negativeDistance }) => negativeDistance),
      ],
    );
  });
}

/** Guards in the order in which they acted; the same one at the same step is kept once. */
export function recordGuard(database: Transactions, attempt: RunAttempt, record: GuardRecord): Promise<void> {
  return within(database, attempt, async (sql) => {
    await sql.query(
      `UPDATE training_run SET guards = guards || jsonb_build_array($2::jsonb)
       WHERE id = $1::uuid AND NOT guards @> jsonb_build_array($2::jsonb)`,
      [attempt.id, JSON.stringify(record)],
    );
  });
}

/** What the run suspects now; an earlier list is forgotten. */
export function recordSuspects(
  database: Transactions,
  attempt: RunAttempt,
  { photos, labelNames, replacedLabels }: Pick<Snapshot, "photos" | "labelNames" | "replacedLabels">,
  suspects: readonly Suspect[],
): Promise<void> {
  const nameOf = (place: number): string => labelNames[0]?.[place] ?? "";
  return within(database, attempt, async (sql) => {
    await sql.query("DELETE FROM suspect_label WHERE run_id = $1::uuid", [attempt.id]);
    await sql.query("UPDATE training_run SET suspect_accuracy = $2::jsonb WHERE id = $1::uuid", [
      attempt.id,
      replacedLabels === undefined ? null : JSON.stringify(accuracyOf(suspects, replacedLabels)),
    ]);
    await sql.query(
      `INSERT INTO suspect_label (run_id, image_id, product_id, label, suggested, agreement)
       SELECT $1::uuid, image, product, label, suggested, agreement
       FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::float8[])
         AS found (image, product, label, suggested, agreement)
       ON CONFLICT DO NOTHING`,
      [
        attempt.id,
        suspects.map(({ photo }) => photos[photo]!.imageId),
        suspects.map(({ photo }) => photos[photo]!.productId),
        suspects.map(({ label }) => nameOf(label)),
        suspects.map(({ suggested }) => nameOf(suggested)),
        suspects.map(({ agreement }) => agreement),
      ],
    );
  });
}

function accuracyOf(
  suspects: readonly Suspect[],
  replacedLabels: NonNullable<Snapshot["replacedLabels"]>,
): SuspectAccuracy {
  const replaced = Object.keys(replacedLabels).length;
  const found = suspects.filter(({ photo }) => replacedLabels[photo] !== undefined).length;
  const suspected = suspects.length;
  return {
    replaced,
    suspected,
    found,
    precision: found / Math.max(1, suspected),
    recall: found / Math.max(1, replaced),
  };
}

export function recordCheckpoint(
  database: Transactions,
  attempt: RunAttempt,
  checkpoint: { readonly key: string; readonly sha256: string; readonly step: number },
): Promise<void> {
  return within(database, attempt, async (sql) => {
    await sql.query(
      `UPDATE training_run SET checkpoint_key = $2, checkpoint_sha256 = $3, checkpoint_step = $4::int
       WHERE id = $1::uuid`,
      [attempt.id, checkpoint.key, checkpoint.sha256, checkpoint.step],
    );
  });
}

async function within(database: Transactions, attempt: RunAttempt, write: (sql: Sql) => Promise<void>): Promise<void> {
  await database.transaction(async (sql) => {
    await holdAttempt(sql, attempt);
    await write(sql);
  });
}
