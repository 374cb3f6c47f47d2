import type { Sql } from "../../database/database.type.js";
import type { RunAttempt, RunFailure, RunStage, TrainingResult, TrainingRun } from "./training-run.type.js";
import { TrainingRunLost } from "./training-run-errors.js";
import { RUN_COLUMNS } from "./training-runs.repository.js";

/** A run without a sign of life for so long does not hold its device any more. Signs come twice a second. */
const ALIVE_SECONDS = 12;

/** Whether this attempt still has its run: `$1` is the run, `$2` the attempt. */
const HELD = "id = $1::uuid AND attempts = $2::int AND state = 'RUNNING'";

export type Begun =
  | { readonly outcome: "begun"; readonly run: TrainingRun }
  /** Another run has the device; or this one has a worker that is alive, after its job was delivered twice. */
  | { readonly outcome: "busy"; readonly by: string }
  /** It has ended, was cancelled while it waited, or is not there. */
  | { readonly outcome: "over" };

/**
 * Takes a run for an attempt, unless another one is being trained on the same device of the same machine. `auto` may
 * become any device and excludes all of them. Call it in a transaction: the lock on the machine ends with it.
 */
export async function beginAttempt(sql: Sql, id: string, host: string): Promise<Begun> {
  await sql.query("SELECT pg_advisory_xact_lock(hashtext('lookalike training on ' || $1))", [host]);
  const cancelled = await sql.query(
    `UPDATE training_run SET state = 'CANCELLED', finished_at = now(), host = NULL, seconds_left = NULL
     WHERE id = $1::uuid AND state IN ('QUEUED', 'RUNNING') AND cancel_requested_at IS NOT NULL RETURNING id`,
    [id],
  );
  if (cancelled.length > 0) return { outcome: "over" };
  const [other] = await sql.query<{ id: string }>(
    `SELECT o.id FROM training_run o JOIN training_run r ON r.id = $1::uuid AND r.state IN ('QUEUED', 'RUNNING')
     WHERE o.state = 'RUNNING' AND o.seen_at > now() - interval '${ALIVE_SECONDS} seconds'
       AND (o.id = r.id OR o.host = $2
         AND (coalesce(o.device, o.request ->> 'device') = r.request ->> 'device'
              OR 'auto' IN (coalesce(o.device, o.request ->> 'device'), r.request ->> 'device')))
     LIMIT 1`,
    [id, host],
  );
  if (other) return { outcome: "busy", by: other.id };
  const [run] = await sql.query<TrainingRun>(
    `UPDATE training_run
     SET state = 'RUNNING', attempts = attempts + 1, host = $2, device = NULL, seen_at = now(),
         started_at = coalesce(started_at, now()), failure_code = NULL, failure = NULL
     WHERE id = $1::uuid AND state IN ('QUEUED', 'RUNNING') RETURNING ${RUN_COLUMNS}`,
    [id, host],
  );
  return run ? { outcome: "begun", run } : { outcome: "over" };
}

export interface RunProgress {
  readonly stage: RunStage;
  readonly done: number;
  readonly total: number;
  readonly secondsLeft: number | null;
}

/**
 * A sign of life, with progress when there is some.
 * @returns whether somebody asked the run to stop
 * @throws TrainingRunLost
 */
export async function beat(sql: Sql, { id, attempts }: RunAttempt, progress?: RunProgress): Promise<boolean> {
  const left = progress?.secondsLeft;
  const [row] = await sql.query<{ cancelled: boolean }>(
    `UPDATE training_run
     SET seen_at = now(), stage = coalesce($3, stage), done = coalesce($4::int, done), total = coalesce($5::int, total),
         seconds_left = CASE WHEN $3::text IS NULL THEN seconds_left ELSE $6::int END
     WHERE ${HELD} RETURNING cancel_requested_at IS NOT NULL AS cancelled`,
    [
      id,
      attempts,
      progress?.stage ?? null,
      progress === undefined ? null : Math.round(progress.done),
      progress === undefined ? null : Math.round(progress.total),
      left === undefined || left === null || !Number.isFinite(left) ? null : Math.round(left),
    ],
  );
  if (!row) throw new TrainingRunLost();
  return row.cancelled;
}

/** Holds the run's row to the end of the transaction. @throws TrainingRunLost */
export async function holdAttempt(sql: Sql, { id, attempts }: RunAttempt): Promise<void> {
  const rows = await sql.query(`SELECT 1 AS held FROM training_run WHERE ${HELD} FOR UPDATE`, [id, attempts]);
  if (rows.length === 0) throw new TrainingRunLost();
}

/** @throws TrainingRunLost */
export async function recordSnapshot(
  sql: Sql,
  { id, attempts }: RunAttempt,
  snapshot: { readonly key: string; readonly sha256: string },
): Promise<void> {
  const rows = await sql.query(
    `UPDATE training_run SET snapshot_key = $3, snapshot_sha256 = $4 WHERE ${HELD} RETURNING id`,
    [id, attempts, snapshot.key, snapshot.sha256],
  );
  if (rows.length === 0) throw new TrainingRunLost();
}

/** The model that the run has made is being refreshed from now on. @throws TrainingRunLost, also when it was cancelled */
export async function handOverRun(
  sql: Sql,
  { id, attempts }: RunAttempt,
  modelId: number,
  result: TrainingResult,
): Promise<void> {
  const rows = await sql.query(
    `UPDATE training_run
     SET state = 'REFRESHING', stage = 'refresh', done = 0, total = 0, seconds_left = NULL, model_id = $3::int,
         result = $4::jsonb, seen_at = now(), checkpoint_key = NULL, checkpoint_sha256 = NULL
     WHERE ${HELD} AND cancel_requested_at IS NULL RETURNING id`,
    [id, attempts, modelId, JSON.stringify(result)],
  );
  if (rows.length === 0) throw new TrainingRunLost();
}

/** Ends the attempt and the run with it. @returns whether the attempt had the run */
export async function endAttempt(sql: Sql, { id, attempts }: RunAttempt, failure: RunFailure): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE training_run SET state = 'FAILED', failure_code = $3, failure = $4, finished_at = now(), host = NULL,
       seconds_left = NULL
     WHERE ${HELD} RETURNING id`,
    [id, attempts, failure.code, failure.message],
  );
  return rows.length > 0;
}

/** Ends the attempt and the run with it, if somebody asked for that. @returns whether it did */
export async function endCancelled(sql: Sql, { id, attempts }: RunAttempt): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE training_run SET state = 'CANCELLED', finished_at = now(), host = NULL, seconds_left = NULL
     WHERE ${HELD} AND cancel_requested_at IS NOT NULL RETURNING id`,
    [id, attempts],
  );
  return rows.length > 0;
}

/** Ends the attempt; the run waits for the next one. @returns whether the attempt had the run */
export async function releaseRun(sql: Sql, { id, attempts }: RunAttempt, failure?: RunFailure): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE training_run SET state = 'QUEUED', host = NULL, failure_code = $3::text, failure = $4::text
     WHERE ${HELD} RETURNING id`,
    [id, attempts, failure?.code ?? null, failure?.message ?? null],
  );
  return rows.length > 0;
}

/**
 * Runs that wait for a job that is not there any more: it used up its attempts. One statement, so that a run and its
 * job, which are written together, are seen together.
 */
export async function findLostRuns(sql: Sql): Promise<{ id: string; attempts: number }[]> {
  return sql.query(
    `SELECT r.id, r.attempts FROM training_run r
     WHERE r.state IN ('QUEUED', 'RUNNING') AND NOT EXISTS (
       SELECT 1 FROM pgboss.job j WHERE j.name = 'train-model' AND j.state IN ('created', 'retry', 'active')
         AND j.data ->> 'runId' = r.id::text)`,
  );
}

/** @returns whether it was still waiting */
export async function endLostRun(sql: Sql, { id, attempts }: RunAttempt, failure: RunFailure): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE training_run
     SET state = CASE WHEN cancel_requested_at IS NULL THEN 'FAILED'::training_state ELSE 'CANCELLED'::training_state END,
         failure_code = $3, failure = $4, finished_at = now(), host = NULL, seconds_left = NULL
     WHERE id = $1::uuid AND attempts = $2::int AND state IN ('QUEUED', 'RUNNING') RETURNING id`,
    [id, attempts, failure.code, failure.message],
  );
  return rows.length > 0;
}
