import type { Database, Sql } from "../../database/database.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { ProductVectors } from "./product-vectors.type.js";

/** Photos of one transaction: short enough for the embedded database, which serves nobody else meanwhile. */
const BATCH = 1_000;

export interface RefreshEmbeddingsDependencies {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly vectors: ProductVectors;
}

export interface RefreshRequest {
  /** All products when absent. */
  readonly productIds?: readonly bigint[];
  /** Fetch photos again that failed. */
  readonly retryFailed: boolean;
}

export type RefreshEmbeddings = (
  request: RefreshRequest,
) => Promise<{ readonly photosToEmbed: number; readonly photosToFetch: number }>;

/**
 * Enqueues what is missing for complete vectors: photos never fetched, photo contents without a vector of a live
 * model. What is there already is not made again, so that asking twice costs nothing.
 */
export function createRefreshEmbeddings(dependencies: RefreshEmbeddingsDependencies): RefreshEmbeddings {
  const { database, queue, vectors } = dependencies;

  async function inBatches(work: (sql: Sql, after: bigint) => Promise<{ last: bigint | undefined; count: number }>) {
    let total = 0;
    let after: bigint | undefined = 0n;
    while (after !== undefined) {
      const from: bigint = after;
      const { last, count } = await database.transaction((sql) => work(sql, from));
      total += count;
      after = last;
    }
    return total;
  }

  return async ({ productIds, retryFailed }) => {
    const wanted = productIds?.map(String) ?? null;
    const photosToFetch = await inBatches(async (sql, after) => {
      // A file: photo was read by the import that named it; a worker may be on another machine.
      const rows = await sql.query<{ id: bigint }>(
        `SELECT i.id FROM product_image i JOIN product p ON p.id = i.product_id
         WHERE i.id > $1::bigint AND p.deleted_at IS NULL AND i.url ~* '^https?:'
           AND (i.state = 'PENDING' OR (i.state = 'FAILED' AND $2::boolean))
           AND ($3::bigint[] IS NULL OR i.product_id = ANY($3::bigint[]))
         ORDER BY i.id LIMIT ${BATCH} FOR UPDATE OF i`,
        [String(after), retryFailed, wanted],
      );
      const ids = rows.map(({ id }) => String(id));
      if (ids.length > 0) {
        await sql.query(
          `UPDATE product_image SET state = 'PENDING', failure_code = NULL, failure_message = NULL,
           retryable = false, attempts = 0 WHERE id = ANY($1::bigint[]) AND state = 'FAILED'`,
          [ids],
        );
        await queue.enqueue(
          sql,
          "fetch-photo",
          ids.map((imageId) => ({ imageId })),
        );
      }
      return { last: rows.length === BATCH ? rows.at(-1)?.id : undefined, count: rows.length };
    });
    const photosToEmbed = await inBatches(async (sql, after) => {
      const rows = await sql.query<{ id: bigint }>(
        `SELECT DISTINCT i.blob_id AS id FROM product_image i JOIN product p ON p.id = i.product_id
         WHERE i.blob_id > $1::bigint AND p.deleted_at IS NULL
           AND ($2::bigint[] IS NULL OR i.product_id = ANY($2::bigint[]))
         ORDER BY i.blob_id LIMIT ${BATCH}`,
        [String(after), wanted],
      );
      const missing = await vectors.missing(
        sql,
        rows.map(({ id }) => id),
      );
      const payloads = missing.map(({ blobId, modelId }) => ({ blobId: String(blobId), modelId }));
      if (payloads.length > 0) await queue.enqueue(sql, "embed-photo", payloads);
      return { last: rows.length === BATCH ? rows.at(-1)?.id : undefined, count: payloads.length };
    });
    return { photosToEmbed, photosToFetch };
  };
}
