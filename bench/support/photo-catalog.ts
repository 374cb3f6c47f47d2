import { createHash } from "node:crypto";
import type { BlobStore } from "../../src/catalog/photos/blob-store.type.js";
import type { Database } from "../../src/database/database.type.js";

/**
 * A catalog whose photos are fetched already and wait to be embedded: a product a photo.
 * @returns ids of the contents; equal photos share one
 */
export async function layPhotos(database: Database, blobs: BlobStore, photos: readonly Buffer[]): Promise<bigint[]> {
  const contents = new Map(photos.map((photo) => [createHash("sha256").update(photo).digest("hex"), photo] as const));
  const hashes = [...contents.keys()];
  await Promise.all(hashes.map((hash) => blobs.write(hash, contents.get(hash)!)));
  return database.transaction(async (sql) => {
    const rows = await sql.query<{ id: bigint }>(
      `INSERT INTO image_blob (content_hash, mime, width, height, bytes)
       SELECT hash, 'image/jpeg', 400, 533, 25000 FROM unnest($1::text[]) AS hash RETURNING id`,
      [hashes],
    );
    const ids = rows.map(({ id }) => id);
    await sql.query(
      `WITH made AS (
         INSERT INTO product (source, external_id, title, category_path, digest)
         SELECT 'bench', blob::text, 'Product ' || blob, '{Bench}', blob::text FROM unnest($1::bigint[]) AS blob
         RETURNING id, external_id)
       INSERT INTO product_image (product_id, url, "position", state, blob_id)
       SELECT id, 'https://bench.example/' || external_id, 0, 'READY', external_id::bigint FROM made`,
      [ids],
    );
    return ids;
  });
}
