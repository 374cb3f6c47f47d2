import { pipeline } from "node:stream/promises";
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

/**
 * One request, of which Postgres makes one transaction: all or nothing, without a BEGIN, a COMMIT and a question that
 * each would be a round trip between processes that wait for a core.
 */
async function copy(database: Database, modelId: number, rows: readonly PhotoVector[]): Promise<void> {
  const { photo } = partitionsOf(modelId);
  const client = await database.pool.connect();
  let broken: Error | undefined;
  const remember = (error: Error): void => {
    broken = error;
  };
  client.on("error", remember);
  try {
    const copying = client.query(
      copyFrom(
        `${LATE_COMMIT}; ${requireLive(modelId)}; COPY ${photo} (model_id, blob_id, vec) FROM STDIN (FORMAT binary)`,
      ),
    );
    await pipeline(encodeCopy(modelId, rows), copying);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === NOT_LIVE) return;
    throw code === "23514" ? new VectorLengthWrong(modelId, { cause: error }) : error;
  } finally {
    client.off("error", remember);
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

/** SQLSTATE of `no_data_found`, which nothing but the next statement raises here. */
const NOT_LIVE = "P0002";

/** Ends the transaction where the model is no longer live; DO takes no parameters, and an id is a whole number. */
const requireLive = (modelId: number): string =>
  `DO $$BEGIN IF NOT EXISTS (SELECT FROM vectors.live_model WHERE id = ${modelId}) THEN RAISE no_data_found; END IF; END$$`;
