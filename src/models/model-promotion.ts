import { retryConflicts } from "../catalog/products/retry-conflicts.js";
import type { Config } from "../config.js";
import type { Database, Sql } from "../database/database.type.js";
import type { JobQueue } from "../jobs/job-queue.type.js";
import type { Logger } from "../logger.js";
import type { Vectors } from "../vectors/vectors.type.js";
import type { ArtefactStore } from "./artefact-store.type.js";
import {
  LiveModelChanged,
  ModelNotBetter,
  ModelNotFound,
  ModelNotReady,
  NothingToRollBack,
} from "./model-promotion.errors.js";
import type { ModelPromotion, PromotionRecord } from "./model-promotion.type.js";
import { createModelRemoval } from "./model-removal.js";
import { MODEL_COLUMNS, MODELS_LOCK, type ModelRow, SELECT_MODEL, toModel } from "./model-rows.js";
import type { ModelVersion } from "./model-version.type.js";
import type { WaitingRuns } from "./refresh.type.js";

export interface ModelPromotionDependencies {
  readonly database: Database;
  readonly queue: Pick<JobQueue, "enqueue">;
  readonly vectors: Pick<Vectors, "findGaps" | "dropPartitions">;
  readonly artefacts: Pick<ArtefactStore, "delete">;
  readonly config: Pick<Config, "data" | "keepModels">;
  readonly runs: Pick<WaitingRuns, "revive" | "finish">;
  readonly logger: Logger;
}

/** A model with what decides whether it may answer. */
interface PromotionRow extends ModelRow {
  readonly parent_id: number | null;
  readonly refresh_paused: boolean;
  readonly live: boolean;
  readonly run_id: string | null;
  readonly run_state: string | null;
  readonly gate: { readonly passed?: boolean; readonly reason?: string } | null;
}

const SELECT_PROMOTION = `
  SELECT ${MODEL_COLUMNS.replace(/\w+/g, "m.$&")}, m.parent_id, m.refresh_paused, m.run_id, r.state::text AS run_state, r.gate,
         EXISTS (SELECT 1 FROM vectors.live_model l WHERE l.id = m.id) AS live
  FROM model_version m LEFT JOIN training_run r ON r.id = m.run_id`;

/** @see ModelPromotion */
export function createModelPromotion(dependencies: ModelPromotionDependencies): ModelPromotion {
  const { database, queue, vectors, runs, logger } = dependencies;

  /** Everything that changes which model is active goes through here, one after another. */
  function exclusively<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    // Dropping a model's tables may cross the way of a writer that holds one of them.
    return retryConflicts(() =>
      database.transaction(async (sql) => {
        await sql.query(MODELS_LOCK);
        return work(sql);
      }),
    );
  }

  async function require(sql: Sql, modelId: number): Promise<PromotionRow> {
    const [row] = await sql.query<PromotionRow>(
      `${SELECT_PROMOTION} WHERE m.id = $1::bigint AND m.deleted_at IS NULL AND m.state <> 'TRAINING'
         AND (m.state <> 'FAILED' OR r.state = 'CANCELLED')`,
      [modelId],
    );
    if (row === undefined) throw new ModelNotFound(modelId);
    return row;
  }

  async function activeOf(sql: Sql): Promise<ModelRow | undefined> {
    const [row] = await sql.query<ModelRow>(`${SELECT_MODEL} WHERE state = 'ACTIVE'`);
    return row;
  }

  /** The one place where a model becomes active: the old one retires and the new one takes over, or neither. */
  async function replace(
    sql: Sql,
    next: PromotionRow,
    active: ModelRow | undefined,
    record: Pick<PromotionRecord, "by" | "forced">,
  ): Promise<ModelVersion> {
    if (active !== undefined) {
      const gaps = await vectors.findGaps(sql, next.id, active.id);
      if (gaps.photos > 0 || gaps.products > 0) throw new ModelNotReady(next.name, gaps, refreshStateOf(next));
    }
    await sql.query(
      "UPDATE model_version SET state = 'RETIRED', retired_at = clock_timestamp() WHERE state = 'ACTIVE'",
    );
    const promotion: PromotionRecord = { at: new Date().toISOString(), replacedModelId: active?.id ?? null, ...record };
    const [row] = await sql.query<ModelRow>(
      `UPDATE model_version SET state = 'ACTIVE', activated_at = clock_timestamp(), retired_at = NULL,
         metrics = metrics || jsonb_build_object('promotion', $2::jsonb)
       WHERE id = $1::int RETURNING ${MODEL_COLUMNS}`,
      [next.id, JSON.stringify(promotion)],
    );
    logger.info({ model: next.name, replaced: active?.name, ...record }, "this model answers from now on");
    return toModel(row!);
  }

  return {
    ...createModelRemoval({ ...dependencies, exclusively }),
    promote: (modelId, { force = false } = {}) =>
      exclusively(async (sql) => {
        const next = await require(sql, modelId);
        if (next.state === "ACTIVE") return toModel(next);
        // One that answered before, or an encoder as it came, was never before the gate.
        const judged = next.state !== "RETIRED" && next.parent_id !== null;
        const forced = judged && next.gate?.passed !== true;
        if (forced && !force) throw new ModelNotBetter(next.name, next.gate?.reason);
        return replace(sql, next, await activeOf(sql), { by: "people", forced });
      }),
    async promoteByGate(sql, modelId, liveId, gate) {
      await sql.query(MODELS_LOCK);
      const next = await require(sql, modelId);
      if (next.state === "ACTIVE") return toModel(next);
      const active = await activeOf(sql);
      if (active?.id !== liveId) throw new LiveModelChanged();
      return replace(sql, next, active, { by: "gate", forced: !gate.passed });
    },
    rollback: () =>
      exclusively(async (sql) => {
        const [last] = await sql.query<PromotionRow>(
          `${SELECT_PROMOTION} WHERE m.state = 'RETIRED' AND m.deleted_at IS NULL
           ORDER BY m.retired_at DESC NULLS LAST, m.id DESC LIMIT 1`,
        );
        if (last === undefined) throw new NothingToRollBack();
        return replace(sql, last, await activeOf(sql), { by: "rollback", forced: false });
      }),
    pauseRefresh: (modelId) =>
      exclusively(async (sql) => {
        const row = await require(sql, modelId);
        await sql.query("UPDATE model_version SET refresh_paused = true WHERE id = $1::int", [modelId]);
        return toModel(row);
      }),
    resumeRefresh: (modelId) =>
      exclusively(async (sql) => {
        const row = await require(sql, modelId);
        const [resumed] = await sql.query<ModelRow>(
          `UPDATE model_version SET refresh_paused = false, state = $2::model_state
           WHERE id = $1::int RETURNING ${MODEL_COLUMNS}`,
          // One whose vectors are not kept true joins those that are; it would be stale again otherwise.
          [modelId, row.live ? row.state : "CANDIDATE"],
        );
        const ended = row.run_state === "CANCELLED" || row.run_state === "FAILED";
        if (row.run_id !== null && ended) await runs.revive(sql, row.run_id);
        await queue.enqueue(sql, "refresh-model", [{ modelId }]);
        return toModel(resumed!);
      }),
  };
}

function refreshStateOf({
  live,
  refresh_paused: paused,
}: PromotionRow): ConstructorParameters<typeof ModelNotReady>[2] {
  if (!live) return "not refreshing";
  return paused ? "paused" : "refreshing";
}
