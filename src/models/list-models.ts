import type { Sql } from "../database/database.type.js";
import type { ModelDetails } from "./model-details.type.js";

/** The model versions that are not deleted, newest first; all of them, or these. */
export type ListModels = (ids?: readonly number[]) => Promise<ModelDetails[]>;

export function createListModels(sql: Sql): ListModels {
  return (ids) =>
    sql.query<ModelDetails>(
      `SELECT id, name, encoder, encoder_digest AS "encoderDigest", dims, state, parent_id AS "parentId",
         run_id AS "runId", created_at AS "createdAt", activated_at AS "activatedAt", retired_at AS "retiredAt",
         refreshed_at AS "refreshedAt", refresh_paused AS "refreshPaused", metrics
       FROM model_version WHERE deleted_at IS NULL AND ($1::int[] IS NULL OR id = ANY($1::int[])) ORDER BY id DESC`,
      [ids ?? null],
    );
}
