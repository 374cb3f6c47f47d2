import { randomUUID } from "node:crypto";
import type { Sql } from "../../database/database.type.js";
import type { Gate } from "../../models/gate.type.js";
import { MODELS_LOCK } from "../../models/model-rows.js";
import type { ModelState } from "../../models/model-version.type.js";
import type { TrainingRequest } from "./training-request.js";
import type { PromotePolicy, RunFailure, RunStage, TrainingRun, TrainingState } from "./training-run.type.js";
import {
  CancelRequestedAlready,
  TrainingRunEnded,
  TrainingRunNotFound,
  TrainingRunNotResumable,
} from "./training-run-errors.js";

export interface NewTrainingRun {
  readonly request: TrainingRequest;
  readonly promote: PromotePolicy;
  readonly encoder: string;
  readonly parentId: number;
}

export const RUN_COLUMNS = `id, state, stage, done, total, seconds_left AS "secondsLeft", request, promote, encoder,
  parent_id AS "parentId", model_id AS "modelId", plan, device, host, snapshot_key AS "snapshotKey",
  snapshot_sha256 AS "snapshotSha256", checkpoint_key AS "checkpointKey", checkpoint_sha256 AS "checkpointSha256",
  checkpoint_step AS "checkpointStep", suspect_accuracy AS "suspectAccuracy", guards, result, gate,
  failure_code AS "failureCode", failure, attempts,
  cancel_requested_at AS "cancelRequestedAt", seen_at AS "seenAt", created_at AS "createdAt",
  started_at AS "startedAt", finished_at AS "finishedAt"`;

const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

export async function insertRun(sql: Sql, run: NewTrainingRun): Promise<TrainingRun> {
  const [row] = await sql.query<TrainingRun>(
    `INSERT INTO training_run (id, request, promote, encoder, parent_id)
     VALUES ($1::uuid, $2::jsonb, $3::promote_policy, $4, $5::int) RETURNING ${RUN_COLUMNS}`,
    [randomUUID(), JSON.stringify(run.request), run.promote, run.encoder, run.parentId],
  );
  return row!;
}

/**
 * A run that failed before it began. Nothing when the newest run is the same failure already: a schedule that fails every
 * night says so once. Call it in a transaction.
 */
export async function insertRefused(
  sql: Sql,
  run: NewTrainingRun,
  failure: RunFailure,
): Promise<TrainingRun | undefined> {
  await sql.query("SELECT pg_advisory_xact_lock(hashtext('lookalike retraining'))");
  const [last] = await listRuns(sql, { limit: 1 });
  if (last?.state === "FAILED" && last.failureCode === failure.code && last.failure === failure.message)
    return undefined;
  const { id } = await insertRun(sql, run);
  const [row] = await sql.query<TrainingRun>(
    `UPDATE training_run SET state = 'FAILED', failure_code = $2, failure = $3, finished_at = now()
     WHERE id = $1::uuid RETURNING ${RUN_COLUMNS}`,
    [id, failure.code, failure.message],
  );
  return row;
}

export async function findRun(sql: Sql, id: string): Promise<TrainingRun | undefined> {
  if (!isRunId(id)) return undefined;
  const [row] = await sql.query<TrainingRun>(`SELECT ${RUN_COLUMNS} FROM training_run WHERE id = $1::uuid`, [id]);
  return row;
}

/** @throws TrainingRunNotFound */
export async function requireRun(sql: Sql, id: string): Promise<TrainingRun> {
  const run = await findRun(sql, id);
  if (!run) throw new TrainingRunNotFound(id);
  return run;
}

export interface RunsPage {
  readonly state?: TrainingState | undefined;
  /** Runs older than this one, which comes by its id. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function listRuns(sql: Sql, { state, after, limit }: RunsPage): Promise<TrainingRun[]> {
  return sql.query<TrainingRun>(
    `SELECT ${RUN_COLUMNS} FROM training_run
     WHERE ($1::training_state IS NULL OR state = $1::training_state)
       AND ($2::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM training_run WHERE id = $2::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $3::int`,
    [state ?? null, after ?? null, limit],
  );
}

/**
 * Asks a run to stop. One that nobody works on (QUEUED), or whose training is over and whose model is being judged
 * (REFRESHING), is CANCELLED at once, and its model FAILED: no photo is embedded for it until the run is resumed; one
 * that is trained is by its worker, within two seconds.
 * Call it in a transaction.
 * @throws TrainingRunNotFound, TrainingRunEnded, CancelRequestedAlready
 */
export async function cancelRun(sql: Sql, id: string): Promise<TrainingRun> {
  const known = await requireRun(sql, id);
  await sql.query(MODELS_LOCK);
  const [row] = await sql.query<TrainingRun>(
    `UPDATE training_run
     SET cancel_requested_at = now(),
         state = CASE WHEN state = 'RUNNING' THEN state ELSE 'CANCELLED' END,
         finished_at = CASE WHEN state = 'RUNNING' THEN NULL ELSE now() END
     WHERE id = $1::uuid AND state IN ('QUEUED', 'RUNNING', 'REFRESHING') AND cancel_requested_at IS NULL
     RETURNING ${RUN_COLUMNS}`,
    [known.id],
  );
  if (row) {
    if (row.state === "CANCELLED" && row.modelId !== null) await setModel(sql, row.modelId, "CANDIDATE", "FAILED");
    return row;
  }
  const now = await requireRun(sql, id);
  if (now.state === "RUNNING" && now.cancelRequestedAt) throw new CancelRequestedAlready(now.cancelRequestedAt);
  throw new TrainingRunEnded(now.state, now.finishedAt);
}

/**
 * Has a run that failed or was cancelled go on: from its checkpoint, or with the refresh of its model when the training
 * itself was over; anew when that model was deleted. The caller enqueues the job, in the same transaction.
 * @throws TrainingRunNotFound, TrainingRunNotResumable
 */
export async function reviveRun(sql: Sql, id: string): Promise<TrainingRun> {
  await sql.query(MODELS_LOCK);
  const known = await requireRun(sql, id);
  const [row] = await sql.query<TrainingRun>(
    `UPDATE training_run
     SET state = CASE WHEN made.id IS NULL THEN 'QUEUED'::training_state ELSE 'REFRESHING'::training_state END,
         model_id = made.id,
         files_removed_at = NULL, cancel_requested_at = NULL, finished_at = NULL, failure_code = NULL, failure = NULL,
         host = NULL
     FROM (SELECT (SELECT m.id FROM model_version m WHERE m.id = $2::int AND m.deleted_at IS NULL) AS id) made
     WHERE training_run.id = $1::uuid AND state IN ('FAILED', 'CANCELLED')
     RETURNING ${RUN_COLUMNS.replace(/^id/, "training_run.id")}`,
    [known.id, known.modelId],
  );
  if (row) {
    if (row.modelId !== null) await setModel(sql, row.modelId, "FAILED", "CANDIDATE");
    return row;
  }
  throw new TrainingRunNotResumable((await requireRun(sql, id)).state);
}

async function setModel(sql: Sql, modelId: number, from: ModelState, to: ModelState): Promise<void> {
  await sql.query("UPDATE model_version SET state = $3::model_state WHERE id = $1::int AND state = $2::model_state", [
    modelId,
    from,
    to,
  ]);
}

/**
 * Ends a run whose model is being refreshed or judged. A run that was cancelled meanwhile stays CANCELLED, and then
 * its model must not be promoted: call this in the transaction that promotes, and roll back (or leave the model as a
 * candidate) when the answer is false.
 * @param outcome gate: what was compared and decided, kept as it is for people
 * @returns whether the run was waiting for it
 */
export async function finishRun(
  sql: Sql,
  runId: string,
  outcome: { readonly gate?: Gate; readonly failure?: RunFailure },
): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE training_run
     SET state = CASE WHEN $2::text IS NULL THEN 'SUCCEEDED'::training_state ELSE 'FAILED'::training_state END,
         failure_code = $2::text, failure = $3::text, gate = coalesce($4::jsonb, gate), seconds_left = NULL,
         finished_at = now(), seen_at = now()
     WHERE id = $1::uuid AND state = 'REFRESHING' RETURNING id`,
    [
      runId,
      outcome.failure?.code ?? null,
      outcome.failure?.message ?? null,
      outcome.gate === undefined ? null : JSON.stringify(outcome.gate),
    ],
  );
  return rows.length > 0;
}

/** Shows how far the refresh of a run's model is. @returns whether the run still waits for it */
export async function noteRefresh(
  sql: Sql,
  runId: string,
  progress: {
    readonly stage: Extract<RunStage, "refresh" | "index" | "gate">;
    readonly done: number;
    readonly total: number;
    readonly secondsLeft: number | null;
  },
): Promise<boolean> {
  const { stage, done, total, secondsLeft } = progress;
  const rows = await sql.query(
    `UPDATE training_run SET stage = $2, done = $3::int, total = $4::int, seconds_left = $5::int, seen_at = now()
     WHERE id = $1::uuid AND state = 'REFRESHING' RETURNING id`,
    [runId, stage, done, total, secondsLeft === null ? null : Math.round(secondsLeft)],
  );
  return rows.length > 0;
}
