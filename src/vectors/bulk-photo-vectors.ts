import { finished } from "node:stream/promises";
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
 * embedded database, which loses its connection over COPY (docs/decisions/171-write-back.md has the figures). Left out
 * are contents that went meanwhile and those that have a vector already, and everything when the model is no longer
 * live. Product vectors are not touched; see `Vectors.refreshStale`.
 * @returns rows written
 * @throws VectorLengthWrong
 */
export async function writePhotosInBulk(
  database: Database,
  modelId: number,
  rows: readonly PhotoVector[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const insert = (): Promise<number> =>
    database.transaction(async (sql) => {
      const wanted = await hold(sql, modelId, rows);
      await writePhotoVectors(sql, modelId, wanted);
      return wanted.length;
    });
  if (database.kind === "embedded") return insert();
  try {
    return await copy(database, modelId, rows);
  } catch (error) {
    // COPY knows no ON CONFLICT: another writer embedded one of these photos between our look and our write.
    if ((error as { code?: string }).code === "23505") return insert();
    throw error;
  }
}

async function copy(database: Database, modelId: number, rows: readonly PhotoVector[]): Promise<number> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    const wanted = await hold(sqlOf(client), modelId, rows);
    if (wanted.length > 0) await stream(client, modelId, wanted, database.vectorType);
    await client.query("COMMIT");
    return wanted.length;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => {
      broken = failure;
    });
    throw (error as { code?: string }).code === "23514" ? new VectorLengthWrong(modelId, { cause: error }) : error;
  } finally {
    client.release(broken);
  }
}

async function stream(
  client: pg.PoolClient,
  modelId: number,
  rows: readonly PhotoVector[],
  type: Database["vectorType"],
): Promise<void> {
  const { photo } = partitionsOf(modelId);
  const copying = client.query(copyFrom(`COPY ${photo} (model_id, blob_id, vec) FROM STDIN (FORMAT binary)`));
  copying.end(encodeCopy(modelId, rows, type));
  await finished(copying);
}

/** Those of the rows that are to be written, in order, their contents held until the transaction ends. */
async function hold(sql: Sql, modelId: number, rows: readonly PhotoVector[]): Promise<PhotoVector[]> {
  const { photo } = partitionsOf(modelId);
  const live = await sql.query("SELECT 1 FROM vectors.live_model WHERE id = $1::int", [modelId]);
  if (live.length === 0) return [];
  const byId = new Map(rows.map((row) => [row.blobId, row]));
  const there = await sql.query<{ id: bigint }>(
    `SELECT b.id FROM image_blob b
     WHERE b.id = ANY($1::bigint[]) AND NOT EXISTS (SELECT 1 FROM ${photo} v WHERE v.blob_id = b.id)
     ORDER BY b.id FOR KEY SHARE OF b`,
    [[...byId.keys()]],
  );
  return there.map(({ id }) => byId.get(id)!);
}

function sqlOf(client: pg.PoolClient): Sql {
  return {
    query: async <Row>(text: string, parameters: readonly unknown[] = []) =>
      (await client.query(text, [...parameters])).rows as Row[],
  };
}
