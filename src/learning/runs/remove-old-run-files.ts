import type { Database } from "../../database/database.type.js";
import type { Logger } from "../../logger.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import { runKeys } from "./run-files.js";

export interface RemoveOldRunFilesDependencies {
  readonly database: Pick<Database, "transaction">;
  readonly artefacts: Pick<ArtefactStore, "delete">;
  readonly logger: Logger;
}

/** Runs that failed or were cancelled and can go on from where they were: the newest of them, for so many days. */
const KEPT_RUNS = 5;
const KEPT_DAYS = 30;
/** Runs of one look; the next one comes in half a minute. */
const AT_ONCE = 20;

/**
 * Runs whose files nobody needs: those whose model was deleted, and those that made none and are too old to go on. The
 * snapshot of a model that is there is what the gate and the schedule compare with.
 */
const OLD = `
  SELECT r.id, r.attempts, r.model_id AS "modelId" FROM training_run r WHERE r.id IN (
    SELECT id FROM (
      SELECT e.id, e.finished_at, m.deleted_at, e.model_id,
             row_number() OVER (PARTITION BY e.model_id IS NULL ORDER BY e.finished_at DESC NULLS LAST, e.id) AS place
      FROM training_run e LEFT JOIN model_version m ON m.id = e.model_id
      WHERE e.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND e.files_removed_at IS NULL) ended
    WHERE deleted_at IS NOT NULL
      OR model_id IS NULL AND (place > ${KEPT_RUNS} OR finished_at < now() - interval '${KEPT_DAYS} days')
    ORDER BY finished_at LIMIT ${AT_ONCE})
  FOR UPDATE OF r SKIP LOCKED`;

/**
 * Deletes snapshots, checkpoints and unregistered encoders of runs that nobody goes on with. A run that is resumed
 * afterwards begins anew. Idempotent; any number of workers may do it at once.
 * @returns ids of the runs
 */
export async function removeOldRunFiles({
  database,
  artefacts,
  logger,
}: RemoveOldRunFilesDependencies): Promise<string[]> {
  // The files go while the row is held: whoever resumes the run sees either all of them or none.
  const removed = await database.transaction(async (sql) => {
    const runs = await sql.query<{ id: string; attempts: number }>(OLD);
    for (const { id, attempts } of runs) {
      await artefacts.delete(runKeys.snapshot(id));
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        for (const key of runKeys.checkpoints(id, attempt)) await artefacts.delete(key);
        await artefacts.delete(runKeys.model(id, attempt));
      }
      await sql.query(
        `UPDATE training_run
         SET files_removed_at = now(), snapshot_key = NULL, snapshot_sha256 = NULL, checkpoint_key = NULL,
             checkpoint_sha256 = NULL
         WHERE id = $1::uuid`,
        [id],
      );
    }
    return runs.map(({ id }) => id);
  });
  if (removed.length > 0) logger.info({ runs: removed }, "removed files of old runs");
  return removed;
}
