import { createRequire } from "node:module";
import { type JpegSize, plainJpegSize } from "./plain-jpeg.js";

/** The part of @julusian/jpeg-turbo that is used; its own types do not describe the module as it is loaded here. */
interface JpegTurbo {
  readonly FORMAT_RGB: number;
  decompressSync(jpeg: Buffer, into: Buffer, options: { readonly format: number }): { readonly size: number };
}

/**
 * libjpeg-turbo without libvips around it: 0.7 ms of CPU for a 400 × 533 photo, against 2.4 ms for sharp's decoding
 * alone (docs/decisions/060-embedding-throughput.md). An optional dependency, because it has binaries for fewer
 * platforms than sharp; without it every photo goes through sharp.
 */
const turbo = loadTurbo();

function loadTurbo(): JpegTurbo | undefined {
  try {
    return createRequire(import.meta.url)("@julusian/jpeg-turbo") as JpegTurbo;
  } catch {
    return undefined;
  }
}

export const hasFastJpeg = turbo !== undefined;

/** The size of a photo that `decodeFastJpeg` can read, or undefined. */
export function fastJpegSize(bytes: Buffer): JpegSize | undefined {
  return turbo === undefined ? undefined : plainJpegSize(bytes);
}

/**
 * Decodes a plain JPEG to 8-bit RGB into `into`.
 * @returns false when the file has any damage: whether it can be shown all the same is for the general decoder to say
 */
export function decodeFastJpeg(bytes: Buffer, into: Buffer): boolean {
  try {
    turbo!.decompressSync(bytes, into, { format: turbo!.FORMAT_RGB });
    return true;
  } catch {
    return false;
  }
}
