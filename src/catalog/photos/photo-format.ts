import { fileTypeFromBuffer } from "file-type";
import type { Metadata } from "sharp";
import { PhotoUnreadable } from "./photo-unreadable.error.js";

/** What is read: the content's type → the decoder that sharp must choose for it by itself. */
const DECODERS: Readonly<Record<string, Metadata["format"]>> = {
  "image/jpeg": "jpeg",
  "image/png": "png",
  "image/apng": "png",
  "image/webp": "webp",
  "image/gif": "gif",
  "image/tiff": "tiff",
  "image/avif": "heif",
};

/** file-type asks for this much; a sample also keeps it from walking through hostile containers. */
const SNIFFED_BYTES = 4100;

/**
 * The type of the content by its first bytes, whatever its sender called it. SVG is refused here already: librsvg
 * would read files and addresses that the drawing names.
 * @throws PhotoUnreadable PHOTO_EMPTY, PHOTO_NOT_AN_IMAGE or PHOTO_FORMAT_UNSUPPORTED
 */
export async function sniffPhoto(bytes: Uint8Array): Promise<{ mime: string; decoder: Metadata["format"] }> {
  if (bytes.length === 0) throw new PhotoUnreadable("PHOTO_EMPTY", "Upload it to the shop again.");
  const sniffed = (await fileTypeFromBuffer(bytes.subarray(0, SNIFFED_BYTES)))?.mime ?? tiffMime(bytes);
  const mime = sniffed === undefined || sniffed === "application/xml" ? (textMime(bytes) ?? sniffed) : sniffed;
  const decoder = mime === undefined ? undefined : DECODERS[mime];
  if (mime !== undefined && decoder !== undefined) return { mime: mime === "image/apng" ? "image/png" : mime, decoder };
  if (mime?.startsWith("image/")) {
    throw new PhotoUnreadable("PHOTO_FORMAT_UNSUPPORTED", `It is ${mime}; use JPEG, PNG, WebP, AVIF, GIF or TIFF.`);
  }
  throw new PhotoUnreadable("PHOTO_NOT_AN_IMAGE", `It begins like ${mime ?? "nothing known"}; check the address.`);
}

/** file-type follows a TIFF's pointer to its directory, which mostly stands at the end, behind the sample. */
function tiffMime(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 4)).toString("hex");
  return start === "49492a00" || start === "4d4d002a" ? "image/tiff" : undefined;
}

/** For the message only: a web page in a photo's place is the most frequent mistake. */
function textMime(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 1024)).toString("latin1").toLowerCase();
  if (start.includes("<svg")) return "image/svg+xml";
  return /<(!doctype html|html|head|body)/.test(start) ? "text/html" : undefined;
}

/**
 * Whether the file has its end, without decoding it: a file that was cut short is by far the most frequent damage, and
 * the header does not show it. Undefined when only decoding can tell.
 */
export function isComplete(bytes: Uint8Array, mime: string): boolean | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (mime) {
    case "image/jpeg":
      return hasEndOfJpeg(buffer);
    case "image/png":
      return buffer.lastIndexOf("IEND", undefined, "latin1") > 0;
    case "image/webp":
      return buffer.length >= 12 && buffer.length >= buffer.readUInt32LE(4) + 8;
    case "image/avif":
      return boxesAreWhole(buffer);
    default:
      return undefined;
  }
}

/** JPEG (ITU T.81, B.1): an end marker after the first scan. One before it may be that of the EXIF thumbnail. */
function hasEndOfJpeg(buffer: Buffer): boolean {
  let at = 2;
  while (at + 4 <= buffer.length) {
    if (buffer[at] !== 0xff) return false;
    const marker = buffer[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (marker === 0xda) return buffer.indexOf(Buffer.from([0xff, 0xd9]), at) > 0;
    else at += 2 + buffer.readUInt16BE(at + 2);
  }
  return false;
}

/** ISO 14496-12, 4.2: boxes follow each other; one that reaches past the end was cut. */
function boxesAreWhole(buffer: Buffer): boolean {
  let at = 0;
  while (at + 8 <= buffer.length) {
    const short = buffer.readUInt32BE(at);
    if (short === 0) return true;
    if (short === 1 && at + 16 > buffer.length) return false;
    const size = short === 1 ? Number(buffer.readBigUInt64BE(at + 8)) : short;
    if (size < 8) return false;
    at += size;
  }
  return at === buffer.length;
}
