import type { Sql } from "../database/database.type.js";
import { partitionsOf } from "./partitions.js";
import { encodeVector } from "./vector-format.js";
import { VectorLengthWrong } from "./vectors.errors.js";

/** Rows of one INSERT; 256 × 1280 float32 are 1.3 MB, and larger statements gain nothing measurable. */
const ROWS = 256;

/** Writes photo vectors; an existing one is left alone. @throws VectorLengthWrong */
export async function writePhotoVectors(
  sql: Sql,
  modelId: number,
  rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
): Promise<void> {
  const { photo } = partitionsOf(modelId);
  // In one order everywhere, so that two writers of the same photos wait for each other and never in a circle.
  const ordered = [...rows].sort((left, right) =>
    left.blobId < right.blobId ? -1 : left.blobId > right.blobId ? 1 : 0,
  );
  for (let from = 0; from < ordered.length; from += ROWS) {
    const batch = ordered.slice(from, from + ROWS);
    const values = batch.map((_, at) => `(${modelId}, $${2 * at + 1}::bigint, $${2 * at + 2}::vector)`);
    const parameters = batch.flatMap(({ blobId, vector }) => [blobId, encodeVector(vector)]);
    try {
      await sql.query(
        `INSERT INTO ${photo} (model_id, blob_id, vec) VALUES ${values.join(", ")} ON CONFLICT DO NOTHING`,
        parameters,
      );
    } catch (error) {
      throw isCheckViolation(error) ? new VectorLengthWrong(modelId, { cause: error }) : error;
    }
  }
}

/** Of these photos, the (blob, model version) pairs without a vector, for every live model version. */
export async function missingPhotoVectors(
  sql: Sql,
  blobIds: readonly bigint[],
): Promise<{ blobId: bigint; modelId: number }[]> {
  if (blobIds.length === 0) return [];
  return sql.query(
    `SELECT b.blob_id AS "blobId", m.id AS "modelId"
     FROM (SELECT DISTINCT unnest($1::bigint[]) AS blob_id) b
     CROSS JOIN vectors.live_model m
     WHERE NOT EXISTS (SELECT 1 FROM vectors.photo_vector v WHERE v.model_id = m.id AND v.blob_id = b.blob_id)
     ORDER BY m.id, b.blob_id`,
    [blobIds],
  );
}

function isCheckViolation(error: unknown): boolean {
  return (error as { code?: string }).code === "23514";
}
