import { createHash } from "node:crypto";
import sharp, { type Metadata } from "sharp";
import type { Config } from "../../config.js";
import { messageOf } from "../../errors.js";
import type { BlobStore } from "./blob-store.type.js";
import { isComplete, sniffPhoto } from "./photo-format.js";
import { safeImageOptions } from "./photo-input-options.js";
import type { PhotoIntake, TakenPhoto } from "./photo-intake.type.js";
import { PhotoUnreadable } from "./photo-unreadable.error.js";

export type PhotoLimits = Pick<Config, "fetchMaxBytes" | "maxPixels">;

/**
 * Looks at a photo's first bytes, header and end, and keeps it by its content's hash. Pixels are decoded once, by the
 * embedding: damage in the middle of a file is found there (docs/decisions/030-photos-are-decoded-once.md).
 */
export function createPhotoIntake(dependencies: {
  readonly blobs: BlobStore;
  readonly config: PhotoLimits;
}): PhotoIntake {
  const { blobs, config } = dependencies;
  return {
    inspect: (bytes) => inspectPhoto(bytes, config),
    async take(bytes) {
      const seen = await inspectPhoto(bytes, config);
      const contentHash = createHash("sha256").update(bytes).digest("hex");
      await blobs.write(contentHash, bytes);
      return { contentHash, ...seen };
    },
  };
}

/**
 * What the content is, by its first bytes, header and end.
 * @throws PhotoUnreadable
 */
export async function inspectPhoto(bytes: Uint8Array, config: PhotoLimits): Promise<Omit<TakenPhoto, "contentHash">> {
  if (bytes.length > config.fetchMaxBytes) {
    throw new PhotoUnreadable("PHOTO_TOO_LARGE", `It has ${bytes.length} bytes; ${config.fetchMaxBytes} are allowed.`);
  }
  const { mime, decoder } = await sniffPhoto(bytes);
  const header = await readHeader(bytes, mime, config);
  if (header.format !== decoder || (decoder === "heif" && header.compression !== "av1")) {
    throw new PhotoUnreadable("PHOTO_FORMAT_UNSUPPORTED", `It begins like ${mime} but holds something else.`);
  }
  const whole = isComplete(bytes, mime);
  if (whole === false) throw new PhotoUnreadable("PHOTO_TRUNCATED", "Upload it to the shop again.");
  if (whole === undefined) await decodeOnce(bytes, config);
  const { width, height } = header.autoOrient;
  return { mime, width, height, bytes: bytes.length };
}

async function readHeader(bytes: Uint8Array, mime: string, config: PhotoLimits): Promise<Metadata> {
  try {
    return await sharp(bytes, safeImageOptions(config)).metadata();
  } catch (error) {
    throw decodeFailure(error, isComplete(bytes, mime) === false, config);
  }
}

/** GIF and TIFF do not show at their end whether they are whole; they are rare enough to be decoded for it. */
async function decodeOnce(bytes: Uint8Array, config: PhotoLimits): Promise<void> {
  try {
    await sharp(bytes, safeImageOptions(config)).resize(8, 8, { fit: "fill" }).raw().toBuffer();
  } catch (error) {
    throw decodeFailure(error, false, config);
  }
}

/**
 * The reason behind what sharp threw, for the intake and for the decoder of the embedding.
 * @param cut whether the file is known to lack its end
 */
export function decodeFailure(error: unknown, cut: boolean, config: Pick<Config, "maxPixels">): PhotoUnreadable {
  const said = messageOf(error).split("\n", 1)[0] ?? "";
  if (/pixel limit/i.test(said)) {
    return new PhotoUnreadable("PHOTO_TOO_LARGE", `At most ${config.maxPixels} pixels are decoded.`, { cause: error });
  }
  if (cut || /premature end|unexpected end|truncated|bad seek/i.test(said)) {
    return new PhotoUnreadable("PHOTO_TRUNCATED", `${said}.`, { cause: error });
  }
  return new PhotoUnreadable("PHOTO_DAMAGED", `${said}.`, { cause: error });
}
