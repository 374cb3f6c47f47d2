import type { Sql } from "../../database/database.type.js";
import type { TakenPhoto } from "../photos/photo-intake.type.js";
import type { ResolvedPhotos } from "./resolved-photo.type.js";

/** The photos that a product should show now, in order. */
export interface WantedPhotos {
  readonly productId: bigint;
  readonly urls: readonly string[];
  /** The product had no rows before. */
  readonly created: boolean;
  /** The product was deleted: jobs for its photos may have been dropped meanwhile. */
  readonly revived: boolean;
}

/** What has to be done for photos after their rows are right. */
export interface PhotoWork {
  /** product_image ids to be fetched. */
  readonly fetch: bigint[];
  /** image_blob ids whose vectors may be missing. */
  readonly embed: bigint[];
}

interface StoredImage {
  readonly id: bigint;
  readonly productId: bigint;
  readonly url: string;
  readonly position: number;
  readonly state: "PENDING" | "READY" | "FAILED";
  readonly blobId: bigint | null;
  readonly etag: string | null;
}

interface ImageWrite {
  readonly id?: string;
  readonly product_id: string;
  readonly url: string;
  readonly position: number;
  readonly state: StoredImage["state"];
  readonly blob_id?: string | undefined;
  readonly etag?: string;
  readonly failure_code?: string;
  readonly failure_message?: string;
}

const IMAGE_COLUMNS = `product_id bigint, url text, "position" integer, state photo_state, blob_id bigint, etag text,
  failure_code text, failure_message text`;

/**
 * Makes the photo rows of products what their sources say, by address: a photo that stays keeps its row and content,
 * whatever its place.
 */
export async function writeImages(
  sql: Sql,
  wanted: readonly WantedPhotos[],
  resolved: ResolvedPhotos = new Map(),
): Promise<PhotoWork> {
  const stored = await readImages(sql, wanted);
  const kept = new Set<bigint>();
  const moved: StoredImage[] = [];
  const inserts: Omit<ImageWrite, "state">[] = [];
  const replaced: StoredImage[] = [];
  const work: PhotoWork = { fetch: [], embed: [] };
  for (const { productId, urls, revived } of wanted) {
    const images = stored.get(productId);
    for (const [position, url] of urls.entries()) {
      const image = images?.get(url);
      if (!image) {
        inserts.push({ product_id: productId.toString(), url, position });
        continue;
      }
      kept.add(image.id);
      const photo = resolved.get(url);
      if (photo && photo.etag !== image.etag) replaced.push({ ...image, position });
      else if (image.position !== position) moved.push({ ...image, position });
      if (revived && image.state === "PENDING" && !photo) work.fetch.push(image.id);
      if (revived && image.blobId !== null) work.embed.push(image.blobId);
    }
  }
  const removed = [...stored.values()].flatMap((images) => [...images.values()]).filter(({ id }) => !kept.has(id));
  await deleteImages(sql, removed);
  await moveImages(sql, moved);
  const changed = [...inserts, ...replaced.map((image) => ({ ...toWrite(image) }))];
  const blobIds = await writeBlobs(sql, changed, resolved);
  const toState = (write: Omit<ImageWrite, "state">) => withContent(write, resolved, blobIds);
  const insertedIds = await insertImages(sql, inserts.map(toState));
  await replaceImages(
    sql,
    replaced.map((image) => toState(toWrite(image))),
  );
  work.fetch.push(...insertedIds);
  for (const { blob_id } of changed.map(toState)) if (blob_id !== undefined) work.embed.push(BigInt(blob_id));
  return { fetch: work.fetch, embed: [...new Set(work.embed)] };
}

function toWrite(image: StoredImage): Omit<ImageWrite, "state"> {
  return { id: image.id.toString(), product_id: image.productId.toString(), url: image.url, position: image.position };
}

function withContent(
  write: Omit<ImageWrite, "state">,
  resolved: ResolvedPhotos,
  blobIds: ReadonlyMap<string, bigint>,
): ImageWrite {
  const photo = resolved.get(write.url);
  if (photo?.state === "stored") {
    const blobId = blobIds.get(photo.photo.contentHash);
    return { ...write, state: "READY", etag: photo.etag, blob_id: blobId?.toString() };
  }
  if (photo?.state === "failed") {
    const { etag, code, message } = photo;
    return { ...write, state: "FAILED", etag, failure_code: code, failure_message: message };
  }
  if (write.url.startsWith("file:")) {
    const message = "A photo on disk is read only by an import that runs on the machine where it lies.";
    return { ...write, state: "FAILED", failure_code: "PHOTO_PATH_REFUSED", failure_message: message };
  }
  return { ...write, state: "PENDING" };
}

async function readImages(sql: Sql, wanted: readonly WantedPhotos[]): Promise<Map<bigint, Map<string, StoredImage>>> {
  const byProduct = new Map<bigint, Map<string, StoredImage>>();
  const ids = wanted.filter(({ created }) => !created).map(({ productId }) => productId.toString());
  if (ids.length === 0) return byProduct;
  const rows = await sql.query<StoredImage>(
    `SELECT id, product_id AS "productId", url, "position", state, blob_id AS "blobId", etag
     FROM product_image WHERE product_id = ANY($1::bigint[]) ORDER BY id`,
    [ids],
    { name: "catalog-read-images" },
  );
  for (const row of rows) {
    const images = byProduct.get(row.productId) ?? new Map<string, StoredImage>();
    byProduct.set(row.productId, images.set(row.url, row));
  }
  return byProduct;
}

async function deleteImages(sql: Sql, images: readonly StoredImage[]): Promise<void> {
  if (images.length === 0) return;
  await sql.query("DELETE FROM product_image WHERE id = ANY($1::bigint[])", [images.map(({ id }) => id.toString())]);
}

async function moveImages(sql: Sql, images: readonly StoredImage[]): Promise<void> {
  if (images.length === 0) return;
  await sql.query(
    `UPDATE product_image SET "position" = input.place FROM unnest($1::bigint[], $2::integer[]) AS input (id, place)
     WHERE product_image.id = input.id`,
    [images.map(({ id }) => id.toString()), images.map(({ position }) => position)],
  );
}

/** @returns ids of those that wait to be fetched */
async function insertImages(sql: Sql, images: readonly ImageWrite[]): Promise<bigint[]> {
  if (images.length === 0) return [];
  const rows = await sql.query<{ id: bigint; state: string }>(
    `INSERT INTO product_image (product_id, url, "position", state, blob_id, etag, failure_code, failure_message, fetched_at)
     SELECT product_id, url, "position", state, blob_id, etag, failure_code, failure_message,
            CASE WHEN state = 'PENDING' THEN NULL ELSE now() END
     FROM jsonb_to_recordset($1::jsonb) AS input (${IMAGE_COLUMNS}) ORDER BY product_id, "position"
     RETURNING id, state`,
    [JSON.stringify(images)],
    { name: "catalog-insert-images" },
  );
  return rows.filter(({ state }) => state === "PENDING").map(({ id }) => id);
}

async function replaceImages(sql: Sql, images: readonly ImageWrite[]): Promise<void> {
  if (images.length === 0) return;
  await sql.query(
    `UPDATE product_image SET "position" = input."position", state = input.state, blob_id = input.blob_id,
            etag = input.etag, failure_code = input.failure_code, failure_message = input.failure_message,
            retryable = false, fetched_at = now()
     FROM jsonb_to_recordset($1::jsonb) AS input (id bigint, ${IMAGE_COLUMNS}) WHERE product_image.id = input.id`,
    [JSON.stringify(images)],
  );
}

/** Registers the contents of stored photos. @returns image_blob ids by content hash */
async function writeBlobs(
  sql: Sql,
  images: readonly { readonly url: string }[],
  resolved: ResolvedPhotos,
): Promise<Map<string, bigint>> {
  const contents = new Map<string, TakenPhoto>();
  for (const { url } of images) {
    const photo = resolved.get(url);
    if (photo?.state === "stored") contents.set(photo.photo.contentHash, photo.photo);
  }
  if (contents.size === 0) return new Map();
  // Sorted, so that two writers with the same photos wait for each other in one direction only.
  const hashes = [...contents.keys()].sort();
  await sql.query(
    `INSERT INTO image_blob (content_hash, mime, width, height, bytes)
     SELECT "contentHash", mime, width, height, bytes
     FROM jsonb_to_recordset($1::jsonb)
       AS input ("contentHash" text, mime text, width integer, height integer, bytes integer)
     ORDER BY "contentHash" ON CONFLICT (content_hash) DO NOTHING`,
    [JSON.stringify(hashes.map((hash) => contents.get(hash)))],
  );
  const rows = await sql.query<{ id: bigint; contentHash: string }>(
    `SELECT id, content_hash AS "contentHash" FROM image_blob WHERE content_hash = ANY($1::text[])`,
    [hashes],
  );
  return new Map(rows.map(({ id, contentHash }) => [contentHash, id]));
}
