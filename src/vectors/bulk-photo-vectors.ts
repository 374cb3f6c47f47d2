import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Database, Sql } from "../database/database.type.js";
import { encodeCopy } from "./copy-format.js";
import { partitionsOf } from "./partitions.js";
import { writePhotoVectors } from "./photo-vectors.repository.js";
import { VectorLengthWrong } from "./vectors.errors.js";

export interface PhotoVector {
  readonly blobId: bigint;
  /** Unit length, `[dims]`. */
  readonly vector: Float32Array;
}

/**
 * Writes many photo vectors of one live model in a transaction of its own: COPY BINARY on Postgres, INSERT on the
 * embedded database, which loses its connection over COPY (docs/decisions/171-write-back.md has the figures). Nothing is
 * written when the model is no longer live. Product vectors are not touched; see `Vectors.refreshStale`.
 * @param rows contents that lacked a vector a moment ago; one that has got it meanwhile keeps it
 * @throws VectorLengthWrong
 */
export async function writePhotosInBulk(
  database: Database,
  modelId: number,
  rows: readonly PhotoVector[],
): Promise<void> {
  if (rows.length === 0) return;
  if (database.kind === "postgres") {
    try {
      return await copy(database, modelId, rows);
    } catch (error) {
      // COPY knows no ON CONFLICT: another writer embedded one of these photos meanwhile.
      if ((error as { code?: string }).code !== "23505") throw error;
    }
  }
  await database.transaction(async (sql) => {
    await sql.query(LATE_COMMIT);
    if (await isLive(sql, modelId)) await writePhotoVectors(sql, modelId, rows);
  });
}

async function copy(database: Database, modelId: number, rows: readonly PhotoVector[]): Promise<void> {
  const { photo } = partitionsOf(modelId);
  const client = await database.pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(`BEGIN; ${LATE_COMMIT}`);
    if (await isLive(sqlOf(client), modelId)) {
      const copying = client.query(copyFrom(`COPY ${photo} (model_id, blob_id, vec) FROM STDIN (FORMAT binary)`));
      await pipeline(encodeCopy(modelId, rows, database.vectorType), copying);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => {
      broken = failure;
    });
    throw (error as { code?: string }).code === "23514" ? new VectorLengthWrong(modelId, { cause: error }) : error;
  } finally {
    client.release(broken);
  }
}

/**
 * A commit that does not wait for the disk: what a crash of the server takes back is made again by the job, and a
 * promotion is not on disk before what it relies on.
 */
const LATE_COMMIT = "SET LOCAL synchronous_commit = off";

async function isLive(sql: Sql, modelId: number): Promise<boolean> {
  return (await sql.query("SELECT 1 FROM vectors.live_model WHERE id = $1::int", [modelId])).length > 0;
}

function sqlOf(client: pg.PoolClient): Sql {
  return {
    query: async <Row>(text: string, parameters: readonly unknown[] = []) =>
      (await client.query(text, [...parameters])).rows as Row[],
  };
}
