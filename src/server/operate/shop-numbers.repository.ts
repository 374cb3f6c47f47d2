import type { Sql } from "../../database/database.type.js";

export interface PhotoNumbers {
  /** Contents that products show and that have a vector of the model, and those that have none. */
  readonly embedded: number;
  readonly waiting: number;
  /** Since the oldest of the latter was stored; 0 without any. */
  readonly lagSeconds: number;
}

/** Reads every photo: not for every request. */
export async function readPhotoNumbers(sql: Sql, modelId: number): Promise<PhotoNumbers> {
  const [row] = await sql.query<PhotoNumbers>(
    `SELECT count(*) FILTER (WHERE embedded)::int AS embedded, count(*) FILTER (WHERE NOT embedded)::int AS waiting,
            GREATEST(0, COALESCE(extract(epoch FROM now() - min(created_at) FILTER (WHERE NOT embedded)), 0))::float8
              AS "lagSeconds"
     FROM (SELECT b.created_at,
             EXISTS (SELECT 1 FROM vectors.photo_vector v WHERE v.model_id = $1 AND v.blob_id = b.id) AS embedded
           FROM image_blob b
           WHERE EXISTS (SELECT 1 FROM product_image i JOIN product p ON p.id = i.product_id AND p.deleted_at IS NULL
                         WHERE i.blob_id = b.id AND i.state = 'READY')) content`,
    [modelId],
  );
  return row!;
}

/** Seconds since the oldest job was enqueued that could have been done by now, by queue. */
export async function readOldestJobs(sql: Sql): Promise<{ readonly queue: string; readonly seconds: number }[]> {
  return sql.query(
    `SELECT name AS queue, GREATEST(0, extract(epoch FROM now() - min(created_on)))::float8 AS seconds
     FROM pgboss.job WHERE state = 'active' OR (state IN ('created', 'retry') AND start_after <= now()) GROUP BY name`,
  );
}

/** Any product of the model, with the same chance for each as far as its ids are without gaps. */
export async function drawProduct(sql: Sql, modelId: number): Promise<bigint | undefined> {
  const [row] = await sql.query<{ id: bigint }>(
    `SELECT product_id AS id FROM vectors.product_vector
     WHERE model_id = $1 AND status = 'ACTIVE' AND product_id >=
       (SELECT floor(random() * max(product_id))::bigint FROM vectors.product_vector WHERE model_id = $1)
     ORDER BY product_id LIMIT 1`,
    [modelId],
  );
  return row?.id;
}
