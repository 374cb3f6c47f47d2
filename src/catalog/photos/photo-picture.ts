import type { Config } from "../../config.js";
import { BadUserInput } from "../../errors.js";
import type { GuardedFetcher } from "../fetching/guarded-fetcher.type.js";
import { inspectPhoto } from "./photo-intake.js";
import { PhotoUnreadable } from "./photo-unreadable.error.js";

/** A picture that a caller sends along or points to; exactly one of the two. */
export interface PictureInput {
  /** `data:image/…;base64,…` */
  readonly dataUri?: string | undefined;
  readonly url?: string | undefined;
}

export interface PictureReader {
  /**
   * The picture's bytes, through the same guards as a product's photo; nothing is kept.
   * @throws BadUserInput when not exactly one is given, PhotoUnreadable, FetchFailed
   */
  readPictureInput(input: PictureInput, signal?: AbortSignal): Promise<Buffer>;
}

export function createPictureReader(dependencies: {
  readonly fetcher: Pick<GuardedFetcher, "fetchBytes">;
  readonly config: Pick<Config, "fetchMaxBytes" | "maxPixels">;
}): PictureReader {
  const { fetcher, config } = dependencies;
  return {
    async readPictureInput({ dataUri, url }, signal) {
      if ((dataUri === undefined) === (url === undefined)) {
        throw new BadUserInput("Give a picture either as dataUri or as url.", ["dataUri", "url"]);
      }
      const bytes =
        dataUri === undefined ? await fetchWhole(fetcher, url!, signal) : decodeDataUri(dataUri, config.fetchMaxBytes);
      await inspectPhoto(bytes, config);
      return bytes;
    },
  };
}

async function fetchWhole(
  fetcher: Pick<GuardedFetcher, "fetchBytes">,
  url: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const outcome = await fetcher.fetchBytes(url, signal === undefined ? {} : { signal });
  switch (outcome.kind) {
    case "fetched":
      return outcome.bytes;
    case "not-modified":
      throw new Error("A request without validators was answered with not-modified.");
  }
}

/**
 * The bytes of a base64 data URI (RFC 2397). What type it claims is ignored: the content is sniffed. The value itself
 * never stands in a message.
 * @throws PhotoUnreadable PHOTO_ENCODING_INVALID or PHOTO_TOO_LARGE
 */
export function decodeDataUri(dataUri: string, maxBytes: number): Buffer {
  const comma = dataUri.indexOf(",");
  if (!/^data:[^,]{0,200};base64$/i.test(dataUri.slice(0, Math.max(comma, 0)))) {
    throw new PhotoUnreadable("PHOTO_ENCODING_INVALID", "It must begin with data:image/…;base64, and hold base64.");
  }
  const payload = dataUri.length - comma - 1;
  if (Math.floor((payload * 3) / 4) - 2 > maxBytes) {
    throw new PhotoUnreadable("PHOTO_TOO_LARGE", `${maxBytes} bytes are allowed.`);
  }
  const text = dataUri.slice(comma + 1);
  const bytes = Buffer.from(text, "base64");
  const digits = text.replace(/={1,2}$/, "").length;
  // Buffer.from skips what is not base64, and would make another file of a broken one; then it comes out shorter.
  if (digits % 4 === 1 || bytes.length !== Math.floor((digits * 3) / 4)) {
    throw new PhotoUnreadable("PHOTO_ENCODING_INVALID", "What follows the comma is not base64.");
  }
  return bytes;
}
