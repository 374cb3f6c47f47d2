import type { Sql } from "../database/database.type.js";
import { partitionsOf } from "./partitions.js";

/** Products of one statement. */
const BATCH = 1000;

/** Filter columns in the order in which the statement below writes them. */
const COLUMNS = [
  "vec",
  "group_key",
  "category_path",
  "brand",
  "price_minor",
  "currency",
  "in_stock",
  "status",
  "channels",
  "image_ids",
  "blob_ids",
];

/** A group of one source, told apart from the equally named group of another. */
export const scopedGroup = (alias: string): string => `${alias}.source || E'\\x1f' || ${alias}.group_key`;

/** The sales channels in a product's attribute of that name. Null when it names none: it is sold in all of them. */
export const namedChannels = (alias: string): string =>
  `(SELECT array_agg(named) FROM jsonb_array_elements_text(${alias}.attributes->'channel') named)`;

/**
 * Makes the vector rows of these products true again for every live model version; see `ProductVectors.refresh`.
 * Rows that are true already are not written, so that an unchanged product does not touch the HNSW index.
 */
export async function refreshProducts(sql: Sql, productIds: readonly bigint[]): Promise<void> {
  if (productIds.length === 0) return;
  const models = await sql.query<{ id: number }>("SELECT id FROM vectors.live_model ORDER BY id");
  if (models.length > 0)
    await refresh(
      sql,
      models.map(({ id }) => id),
      productIds,
    );
}

/** Refreshes the rows of one model version for every product that shows one of these photos. */
export async function refreshProductsShowing(sql: Sql, modelId: number, blobIds: readonly bigint[]): Promise<void> {
  if (blobIds.length === 0) return;
  const shown = await sql.query<{ product_id: bigint }>(
    "SELECT DISTINCT product_id FROM product_image WHERE blob_id = ANY($1::bigint[]) AND state = 'READY'",
    [blobIds],
  );
  await refresh(
    sql,
    [modelId],
    shown.map((row) => row.product_id),
  );
}

/** Refreshes the rows of these products of one model version. */
export async function refreshModelProducts(sql: Sql, modelId: number, productIds: readonly bigint[]): Promise<void> {
  if (productIds.length > 0) await refresh(sql, [modelId], productIds);
}

async function refresh(sql: Sql, modelIds: readonly number[], productIds: readonly bigint[]): Promise<void> {
  for (let from = 0; from < productIds.length; from += BATCH) {
    const batch = productIds.slice(from, from + BATCH);
    // The lock is a statement of its own, because the next one must see what a concurrent writer of the same product
    // committed while this one waited: its photos' vectors, or its new price.
    await sql.query("SELECT 1 FROM product WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE", [batch]);
    for (const modelId of modelIds) await sql.query(refreshStatement(modelId), [batch]);
  }
}

/** The mean of a product's photos, the first one twice, made unit again. */
function refreshStatement(modelId: number): string {
  const { photo, product } = partitionsOf(modelId);
  const row = (alias: string): string => COLUMNS.map((column) => `${alias}.${column}`).join(", ");
  return `
    WITH wanted AS (SELECT DISTINCT unnest($1::bigint[]) AS product_id),
    photo AS (
      SELECT i.product_id, i.id, i.blob_id, v.vec,
             row_number() OVER (PARTITION BY i.product_id ORDER BY i.position, i.id) AS place
      FROM wanted
      JOIN product p ON p.id = wanted.product_id AND p.deleted_at IS NULL
      JOIN product_image i ON i.product_id = p.id AND i.state = 'READY'
      JOIN ${photo} v ON v.blob_id = i.blob_id
    ),
    mean AS (
      SELECT product_id, l2_normalize(avg(vec)) AS vec,
             array_agg(id ORDER BY place) FILTER (WHERE copy = 1) AS image_ids,
             array_agg(blob_id ORDER BY place) FILTER (WHERE copy = 1) AS blob_ids
      FROM photo CROSS JOIN LATERAL generate_series(1, CASE WHEN place = 1 THEN 2 ELSE 1 END) AS copy
      GROUP BY product_id
    ),
    gone AS (
      DELETE FROM ${product} old USING wanted
      WHERE old.product_id = wanted.product_id
        AND NOT EXISTS (SELECT 1 FROM mean WHERE mean.product_id = old.product_id)
    )
    INSERT INTO ${product} AS old (model_id, product_id, ${COLUMNS.join(", ")})
    SELECT ${modelId}, p.id, mean.vec, ${scopedGroup("p")}, coalesce(p.category_path, '{}'), p.brand, p.price_minor,
           p.currency, p.in_stock, p.status, ${namedChannels("p")}, mean.image_ids, mean.blob_ids
    FROM mean JOIN product p ON p.id = mean.product_id
    ORDER BY p.id
    ON CONFLICT (model_id, product_id) DO UPDATE
      SET ${COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ")}
      WHERE (${row("old")}) IS DISTINCT FROM (${row("excluded")})`;
}
