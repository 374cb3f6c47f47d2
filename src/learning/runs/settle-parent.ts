import type { Database } from "../../database/database.type.js";
import type { InstalledEncoder } from "../../encoders/encoder.type.js";
import type { TrainModelDependencies } from "./train-model.type.js";
import { findRun } from "./training-runs.repository.js";

/**
 * Sees to it that a run which has not begun starts from the base model of the encoder as it is now. An encoder that
 * changed after the run was recorded (an upgrade of this program, say) has a new base model, whose vectors take a while:
 * until they are complete, a snapshot would lack most of the catalog.
 * @returns false while the new base model's vectors are being made
 */
export async function settleParent(
  { database, encoders, models }: Pick<TrainModelDependencies, "database" | "encoders" | "models">,
  runId: string,
): Promise<boolean> {
  const run = await findRun(database, runId);
  if (!run || run.snapshotKey !== null || run.state !== "QUEUED" || run.cancelRequestedAt) return true;
  // An encoder that does not open is the attempt's to report.
  const encoder = await encoders.open(run.encoder).catch(() => undefined);
  const parent = await models.find(run.parentId);
  if (encoder === undefined || parent?.encoderDigest === encoder.digest) return true;
  const base = await findBase(database, encoder);
  if (base === undefined) return true;
  if (!base.complete) return false;
  await database.query(
    "UPDATE training_run SET parent_id = $2::int WHERE id = $1::uuid AND state = 'QUEUED' AND snapshot_key IS NULL",
    [runId, base.id],
  );
  return true;
}

async function findBase(
  database: Pick<Database, "query">,
  { digest }: Pick<InstalledEncoder, "digest">,
): Promise<{ id: number; complete: boolean } | undefined> {
  const [row] = await database.query<{ id: number; complete: boolean }>(
    `SELECT id, state = 'ACTIVE' OR refreshed_at IS NOT NULL AS complete FROM model_version
     WHERE encoder_digest = $1 AND weights_key IS NULL AND deleted_at IS NULL
       AND state IN ('ACTIVE', 'CANDIDATE', 'RETIRED')
     ORDER BY id DESC LIMIT 1`,
    [digest],
  );
  return row;
}
