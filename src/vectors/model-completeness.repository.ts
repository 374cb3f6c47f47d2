import type { Sql } from "../database/database.type.js";
import { partitionsOf } from "./partitions.js";
import { namedChannels, refreshModelProducts, scopedGroup } from "./product-vectors.repository.js";
import type { ModelGaps, PhotoContent } from "./vectors.type.js";

/** A content that a product shows. */
const SHOWN = `EXISTS (
  SELECT 1 FROM product_image i JOIN product p ON p.id = i.product_id AND p.deleted_at IS NULL
  WHERE i.blob_id = b.id AND i.state = 'READY')`;

/**
 * The next contents in order of their ids, with whether they lack a vector. A page is cut before it is filtered:
 * otherwise a planner without statistics of the new partition may read the whole catalog for every page.
 */
export async function lackingPage(
  sql: Sql,
  modelId: number,
  after: bigint,
  limit: number,
): Promise<{ contents: PhotoContent[]; last: bigint | undefined }> {
  const { photo } = partitionsOf(modelId);
  const rows = await sql.query<{ id: bigint; hash: string; lacks: boolean }>(
    `WITH page AS MATERIALIZED (
       SELECT id, content_hash FROM image_blob WHERE id > $1::bigint ORDER BY id LIMIT $2::int)
     SELECT b.id, b.content_hash AS hash,
       NOT EXISTS (SELECT 1 FROM ${photo} v WHERE v.blob_id = b.id) AND ${SHOWN} AS lacks
     FROM page b ORDER BY b.id`,
    [after, limit],
  );
  return {
    contents: rows.flatMap(({ id, hash, lacks }) => (lacks ? [{ blobId: id, contentHash: hash }] : [])),
    last: rows.at(-1)?.id,
  };
}

/** Contents that products show, and those of them that have a vector. */
export async function countPhotos(sql: Sql, modelId: number): Promise<{ done: number; total: number }> {
  const { photo } = partitionsOf(modelId);
  const [row] = await sql.query<{ done: number; total: number }>(
    `SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM ${photo} v WHERE v.blob_id = b.id))::int AS done,
            count(*)::int AS total
     FROM image_blob b WHERE ${SHOWN}`,
  );
  return row!;
}

/**
 * Makes the product rows of one model true, a page of products at a time. A row that is true is not computed again.
 * @returns how many were not, and where the next page begins
 */
export async function refreshStale(
  sql: Sql,
  modelId: number,
  after: bigint,
  limit: number,
): Promise<{ refreshed: number; last: bigint | undefined }> {
  const [page] = await sql.query<{ last: bigint | null }>(
    "SELECT max(id) AS last FROM (SELECT id FROM product WHERE id > $1::bigint ORDER BY id LIMIT $2::int) page",
    [after, limit],
  );
  const last = page?.last ?? undefined;
  if (last === undefined) return { refreshed: 0, last };
  const stale = await sql.query<{ id: bigint }>(
    `${staleProducts(modelId, "p.id > $1::bigint AND p.id <= $2::bigint")} ORDER BY p.id`,
    [after, last],
  );
  await refreshModelProducts(
    sql,
    modelId,
    stale.map(({ id }) => id),
  );
  return { refreshed: stale.length, last };
}

/** What a model lacks to take the active one's place; see `ModelGaps`. */
export async function findGaps(sql: Sql, modelId: number, activeId: number): Promise<ModelGaps> {
  const { photo } = partitionsOf(modelId);
  const active = partitionsOf(activeId).photo;
  const [row] = await sql.query<{ photos: number; products: number }>(
    `SELECT (SELECT count(*)::int FROM image_blob b
             WHERE EXISTS (SELECT 1 FROM ${active} a WHERE a.blob_id = b.id)
               AND NOT EXISTS (SELECT 1 FROM ${photo} v WHERE v.blob_id = b.id) AND ${SHOWN}) AS photos,
            (SELECT count(*)::int FROM (${staleProducts(modelId, "true")}) stale) AS products`,
  );
  return row!;
}

/** Products whose row is missing, left over, or made of other photos or columns than the catalog has now. */
function staleProducts(modelId: number, which: string): string {
  const { photo, product } = partitionsOf(modelId);
  return `
    SELECT p.id FROM product p
    LEFT JOIN LATERAL (
      SELECT array_agg(i.id ORDER BY i.position, i.id) AS image_ids,
             array_agg(i.blob_id ORDER BY i.position, i.id) AS blob_ids
      FROM product_image i JOIN ${photo} v ON v.blob_id = i.blob_id
      WHERE i.product_id = p.id AND i.state = 'READY' AND p.deleted_at IS NULL
    ) shown ON true
    LEFT JOIN ${product} old ON old.product_id = p.id
    WHERE ${which}
      AND ((shown.image_ids IS NULL) <> (old.product_id IS NULL)
        OR old.product_id IS NOT NULL AND
          (old.image_ids, old.blob_ids, old.group_key, old.category_path, old.brand, old.price_minor, old.currency,
           old.in_stock, old.status, old.channels) IS DISTINCT FROM
          (shown.image_ids, shown.blob_ids, ${scopedGroup("p")}, coalesce(p.category_path, '{}'), p.brand,
           p.price_minor, p.currency, p.in_stock, p.status, ${namedChannels("p")}))`;
}
