import type { Sql } from "../database/database.type.js";
import type { ModelDetails } from "./model-details.type.js";

/** All model versions but the deleted ones, newest first; or these, deleted or not. */
export type ListModels = (ids?: readonly number[]) => Promise<ModelDetails[]>;

export function createListModels(sql: Sql): ListModels {
  return (ids) =>
    sql.query<ModelDetails>(
      `SELECT id, name, encoder, encoder_digest AS "encoderDigest", dims, state, parent_id AS "parentId",
         run_id AS "runId", created_at AS "createdAt", activated_at AS "activatedAt", retired_at AS "retiredAt",
         refreshed_at AS "refreshedAt", refresh_paused AS "refreshPaused",
         deleted_at AS "deletedAt", metrics
       FROM model_version
       WHERE CASE WHEN $1::int[] IS NULL THEN deleted_at IS NULL ELSE id = ANY($1::int[]) END
       ORDER BY id DESC`,
      [ids ?? null],
    );
}
