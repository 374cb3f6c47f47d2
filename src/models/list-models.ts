import type { Sql } from "../database/database.type.js";
import type { ModelVersion } from "./model-version.type.js";

/** Every model version, newest first. */
export function createListModels(sql: Sql): () => Promise<ModelVersion[]> {
  return () =>
    sql.query<ModelVersion>(
      `SELECT id, name, encoder, encoder_digest AS "encoderDigest", dims, state FROM model_version ORDER BY id DESC`,
    );
}
