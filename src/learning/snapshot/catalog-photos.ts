import type { Split } from "../../catalog/products/catalog-event.type.js";
import type { Sql } from "../../database/database.type.js";

/** A photo of an active product that is there. */
export interface CatalogPhoto {
  readonly imageId: bigint;
  readonly productId: bigint;
  readonly blobId: bigint;
  readonly contentHash: string;
  readonly split: Split | null;
  readonly categoryPath: readonly string[];
  /** Unique over sources. */
  readonly group: string | null;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

const BATCH = 5000;

/** All photos that could be learned from, in order of product and photo, a batch at a time. */
export async function* readCatalogPhotos(sql: Sql): AsyncGenerator<CatalogPhoto[]> {
  let after: readonly [bigint, bigint] = [0n, 0n];
  for (;;) {
    const photos = await sql.query<CatalogPhoto>(
      `SELECT i.id AS "imageId", i.product_id AS "productId", i.blob_id AS "blobId", b.content_hash AS "contentHash",
              p.split, p.category_path AS "categoryPath", p.source || E'\\x1f' || p.group_key AS "group", p.attributes
       FROM product_image i
       JOIN product p ON p.id = i.product_id AND p.status = 'ACTIVE' AND p.deleted_at IS NULL
       JOIN image_blob b ON b.id = i.blob_id
       WHERE i.state = 'READY' AND (i.product_id, i.id) > ($1, $2)
       ORDER BY i.product_id, i.id LIMIT ${BATCH}`,
      after,
    );
    if (photos.length > 0) yield photos;
    if (photos.length < BATCH) return;
    const last = photos.at(-1)!;
    after = [last.productId, last.imageId];
  }
}

/** Photos of active products that are still to be fetched, and those that cannot be. */
export async function countMissingPhotos(sql: Sql): Promise<{ pending: number; failed: number }> {
  const [counts] = await sql.query<{ pending: number; failed: number }>(
    `SELECT count(*) FILTER (WHERE i.state = 'PENDING')::int AS pending,
            count(*) FILTER (WHERE i.state = 'FAILED')::int AS failed
     FROM product_image i
     JOIN product p ON p.id = i.product_id AND p.status = 'ACTIVE' AND p.deleted_at IS NULL
     WHERE i.state <> 'READY'`,
  );
  return counts!;
}
