import { BlobDamaged, BlobMissing } from "../catalog/photos/blob-store.errors.js";
import { markContentUnreadable } from "../catalog/photos/photo-fetches.repository.js";
import { PhotoUnreadable } from "../catalog/photos/photo-unreadable.error.js";
import type { Sql } from "../database/database.type.js";
import type { Vectors } from "../vectors/vectors.type.js";

/** What only a person or another fetch can mend; trying the same work again cannot. */
export type ContentFailure = PhotoUnreadable | BlobMissing | BlobDamaged;

export function isContentFailure(error: unknown): error is ContentFailure {
  return error instanceof PhotoUnreadable || error instanceof BlobMissing || error instanceof BlobDamaged;
}

/** Records on every product that shows one of these contents why it has no vector, and makes its row true. */
export async function markUnreadable(
  sql: Sql,
  vectors: Pick<Vectors, "refresh">,
  unreadable: readonly { readonly blobId: bigint; readonly failure: ContentFailure }[],
): Promise<void> {
  // Products before their photos, as catalog writes lock them.
  await sql.query(
    `SELECT 1 FROM product WHERE id IN (SELECT product_id FROM product_image WHERE blob_id = ANY($1::bigint[]))
     ORDER BY id FOR NO KEY UPDATE`,
    [unreadable.map(({ blobId }) => blobId)],
  );
  const products = new Set<bigint>();
  for (const { blobId, failure } of unreadable) {
    for (const product of await markContentUnreadable(sql, blobId, failure)) products.add(product);
  }
  await vectors.refresh(sql, [...products]);
}
