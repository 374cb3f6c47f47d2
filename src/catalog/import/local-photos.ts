import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import path from "node:path";
import pLimit from "p-limit";
import type { Database } from "../../database/database.type.js";
import { LookalikeError, messageOf } from "../../errors.js";
import type { PhotoIntake, TakenPhoto } from "../photos/photo-intake.type.js";
import type { ProductInput } from "../products/catalog-event.type.js";
import type { ResolvedPhoto } from "../products/resolved-photo.type.js";
import { isBelow, photoPathOf } from "./local-photo-url.js";

/** Files decoded at once; sharp uses several threads of its own. */
const AT_ONCE = 4;

export interface LocalPhotosOptions {
  readonly database: Database;
  readonly intake: PhotoIntake;
  readonly source: string;
  /** Without symlinks; nothing outside of it is read. */
  readonly folder: string;
  /** Bytes. */
  readonly maxBytes: number;
  /** Look at the photos without keeping them, for a dry run. */
  readonly dryRun: boolean;
}

/** Reads the photos that lie beside a feed. */
export interface LocalPhotos {
  /** The photos on disk of these products; files that have not changed since the last import are not read again. */
  resolve(products: readonly ProductInput[]): Promise<Map<string, ResolvedPhoto>>;
}

export function createLocalPhotos(options: LocalPhotosOptions): LocalPhotos {
  const limit = pLimit(AT_ONCE);
  return {
    async resolve(products) {
      const urls = new Set<string>();
      for (const { photos } of products) for (const { url } of photos) if (url.startsWith("file:")) urls.add(url);
      if (urls.size === 0) return new Map();
      const known = await readKnown(options, products);
      const resolved = await Promise.all(
        [...urls].map((url) => limit(async () => [url, await resolveOne(options, url, known.get(url))] as const)),
      );
      return new Map(resolved);
    },
  };
}

async function resolveOne(
  { folder, intake, maxBytes, dryRun }: LocalPhotosOptions,
  url: string,
  known: ResolvedPhoto | undefined,
): Promise<ResolvedPhoto> {
  const name = photoPathOf(url);
  if (name === undefined) return failed("outside", "PHOTO_PATH_REFUSED", `${url} leads out of the feed's folder.`);
  let file: FileHandle | undefined;
  try {
    const place = await realpath(path.join(folder, name));
    if (!isBelow(place, folder)) {
      return failed("outside", "PHOTO_PATH_REFUSED", `${name} is a link that leads out of the feed's folder.`);
    }
    // Not through a link that appeared since; not waiting for the other end of a named pipe.
    file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    const { size, mtimeMs } = found;
    const etag = `${size}-${Math.round(mtimeMs)}`;
    if (known?.etag === etag) return known;
    if (!found.isFile()) return failed(etag, "PHOTO_NOT_A_FILE", `${name} is not a file.`);
    if (size > maxBytes) {
      return failed(etag, "PHOTO_TOO_LARGE", `${name} has ${size} bytes; at most ${maxBytes} are taken.`);
    }
    const bytes = await file.readFile();
    try {
      return { state: "stored", etag, photo: await (dryRun ? inspect(intake, bytes) : intake.take(bytes)) };
    } catch (error) {
      if (!isFault(error)) throw error;
      return failed(etag, error.code, `${name}: ${error.message}`);
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR") return failed("missing", "PHOTO_MISSING", `${name} does not exist.`);
    if (!["EACCES", "EPERM", "ELOOP", "EISDIR", "ENAMETOOLONG", "EIO", "ENXIO"].includes(code)) throw error;
    return failed("unreadable", "PHOTO_UNREADABLE", `${name} cannot be read: ${messageOf(error)}.`);
  } finally {
    await file?.close();
  }
}

/** The photo's own fault, as against the blob store's. */
function isFault(error: unknown): error is LookalikeError {
  return error instanceof LookalikeError && error.code.startsWith("PHOTO_");
}

async function inspect(intake: PhotoIntake, bytes: Buffer): Promise<TakenPhoto> {
  return { ...(await intake.inspect(bytes)), contentHash: createHash("sha256").update(bytes).digest("hex") };
}

function failed(etag: string, code: string, message: string): ResolvedPhoto {
  return { state: "failed", etag, code, message };
}

interface KnownPhoto {
  readonly url: string;
  readonly etag: string;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly contentHash: string | null;
  readonly mime: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

async function readKnown(
  { database, source }: LocalPhotosOptions,
  products: readonly ProductInput[],
): Promise<Map<string, ResolvedPhoto>> {
  const rows = await database.query<KnownPhoto>(
    `SELECT i.url, i.etag, i.failure_code AS "failureCode", i.failure_message AS "failureMessage",
            b.content_hash AS "contentHash", b.mime, b.width, b.height, b.bytes
     FROM product p JOIN product_image i ON i.product_id = p.id LEFT JOIN image_blob b ON b.id = i.blob_id
     WHERE p.source = $1 AND p.external_id = ANY($2::text[]) AND i.url LIKE 'file:%' AND i.etag IS NOT NULL`,
    [source, products.map(({ externalId }) => externalId)],
    { name: "catalog-known-photos" },
  );
  const known = new Map<string, ResolvedPhoto>();
  for (const { url, etag, failureCode, failureMessage, contentHash, ...about } of rows) {
    if (contentHash !== null) known.set(url, { state: "stored", etag, photo: { contentHash, ...about } });
    else if (failureCode !== null) known.set(url, failed(etag, failureCode, failureMessage ?? failureCode));
  }
  return known;
}
