import type { Sql } from "../../database/database.type.js";
import type { Validators } from "../fetching/guarded-fetcher.type.js";
import type { BlobDamaged, BlobMissing } from "./blob-store.errors.js";
import type { TakenPhoto } from "./photo-intake.type.js";
import type { PhotoUnreadable } from "./photo-unreadable.error.js";

const LONGEST_MESSAGE = 1000;

/** A photo of a product that is not READY: what its fetch must know. */
export interface PhotoToFetch {
  readonly imageId: bigint;
  readonly productId: bigint;
  readonly url: string;
  /** Fetches that failed since the last one that did not. */
  readonly attempts: number;
  readonly validators: Validators;
  /** The content that an earlier fetch brought. */
  readonly held?: { readonly blobId: bigint; readonly contentHash: string };
}

/** Why a fetch did not work, as it stands on the photo's row. */
export interface PhotoFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** Undefined when the photo is gone or READY: then there is nothing to do. */
export async function findPhotoToFetch(sql: Sql, imageId: bigint): Promise<PhotoToFetch | undefined> {
  const [row] = await sql.query<{
    product_id: bigint;
    url: string;
    attempts: number;
    etag: string | null;
    last_modified: string | null;
    blob_id: bigint | null;
    content_hash: string | null;
  }>(
    `SELECT i.product_id, i.url, i.attempts, i.etag, i.last_modified, b.id AS blob_id, b.content_hash
       FROM product_image i LEFT JOIN image_blob b ON b.id = i.blob_id
      WHERE i.id = $1 AND i.state <> 'READY'`,
    [imageId],
    { name: "find-photo-to-fetch" },
  );
  if (row === undefined) return undefined;
  const { product_id: productId, url, attempts, blob_id: blobId, content_hash: contentHash } = row;
  return {
    imageId,
    productId,
    url,
    attempts,
    validators: { etag: row.etag ?? undefined, lastModified: row.last_modified ?? undefined },
    ...(blobId === null || contentHash === null ? {} : { held: { blobId, contentHash } }),
  };
}

/**
 * Takes the product's row, then the photo's, so that fetches of one product's photos pass one after another: each then
 * computes the product's vector from all the others' results. Catalog writes lock in the same order.
 * @returns false when the photo is gone, or has another address or state than the fetch was made for
 */
export async function lockPhotoToFetch(sql: Sql, photo: PhotoToFetch): Promise<boolean> {
  await sql.query("SELECT 1 FROM product WHERE id = $1 FOR NO KEY UPDATE", [photo.productId]);
  const rows = await sql.query(
    "SELECT 1 FROM product_image WHERE id = $1 AND url = $2 AND state <> 'READY' FOR UPDATE",
    [photo.imageId, photo.url],
  );
  return rows.length === 1;
}

/** The id of this content; the row is made when it is new. */
export async function keepBlob(sql: Sql, taken: TakenPhoto): Promise<bigint> {
  const { contentHash, mime, width, height, bytes } = taken;
  const inserted = await sql.query<{ id: bigint }>(
    `INSERT INTO image_blob (content_hash, mime, width, height, bytes) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (content_hash) DO NOTHING RETURNING id`,
    [contentHash, mime, width, height, bytes],
  );
  // A conflict waited for the other writer's commit, so a statement of its own sees that row.
  const [row] =
    inserted.length > 0
      ? inserted
      : await sql.query<{ id: bigint }>("SELECT id FROM image_blob WHERE content_hash = $1", [contentHash]);
  return row!.id;
}

export async function markPhotoReady(
  sql: Sql,
  imageId: bigint,
  blobId: bigint,
  { etag, lastModified }: Validators,
): Promise<void> {
  await sql.query(
    `UPDATE product_image
        SET state = 'READY', blob_id = $2, etag = $3, last_modified = $4, fetched_at = now(),
            failure_code = NULL, failure_message = NULL, retryable = false, attempts = 0
      WHERE id = $1`,
    [imageId, blobId, etag ?? null, lastModified ?? null],
  );
}

/**
 * Records a failed fetch. With `keepShowing`, content that an earlier fetch brought stays: a shop that is down for an
 * hour keeps its similar products, and the failure stands beside the READY photo.
 */
export async function markPhotoFailed(
  sql: Sql,
  photo: PhotoToFetch,
  failure: PhotoFailure,
  keepShowing: boolean,
): Promise<void> {
  await sql.query(
    `UPDATE product_image
        SET state = $6::photo_state, failure_code = $3, failure_message = $4, retryable = $5, attempts = attempts + 1,
            fetched_at = now()
      WHERE id = $1 AND url = $2 AND state <> 'READY'`,
    [
      photo.imageId,
      photo.url,
      failure.code,
      failure.message.slice(0, LONGEST_MESSAGE),
      failure.retryable,
      keepShowing ? "READY" : "FAILED",
    ],
  );
}

/**
 * Records on every photo with this content what only the embedding finds out: that its pixels cannot be decoded, or that
 * the blob store lost it. The content is let go of, so that the next fetch brings the file whole instead of "not
 * modified".
 * @returns products that showed it, whose vectors must be refreshed
 */
export async function markContentUnreadable(
  sql: Sql,
  blobId: bigint,
  failure: PhotoUnreadable | BlobMissing | BlobDamaged,
): Promise<bigint[]> {
  const rows = await sql.query<{ product_id: bigint }>(
    `UPDATE product_image
        SET state = 'FAILED', blob_id = NULL, failure_code = $2, failure_message = $3, retryable = $4,
            attempts = attempts + 1
      WHERE blob_id = $1 RETURNING product_id`,
    [blobId, failure.code, failure.message.slice(0, LONGEST_MESSAGE), failure.retryable],
  );
  return [...new Set(rows.map((row) => row.product_id))];
}
