import sharp from "sharp";
import { safeImageOptions, toOpaqueSrgb } from "../catalog/photos/photo-input-options.js";
import { decodeFailure } from "../catalog/photos/photo-intake.js";
import type { Preprocessing } from "../encoders/encoder.type.js";
import { decodeFastJpeg, fastJpegSize } from "./fast-jpeg.js";
import type { PhotoSize } from "./photo-geometry.js";

/**
 * A photo more than this many times the input's side is shrunk by the decoder first, to half of that: a JPEG is then
 * decoded at a fraction of its size, and a 48-megapixel photo costs 2 MB here instead of 144.
 */
const SHRINK_ABOVE = 4;

/** Longest side, in pixels, of a photo that is decoded whole for this input. */
export function largestSide({ size }: Pick<Preprocessing, "size">): number {
  return SHRINK_ABOVE * size;
}

/** Pixels of a photo: 8-bit RGB, row by row. */
export interface DecodedPhoto {
  readonly data: Buffer;
  readonly size: PhotoSize;
  /** Size before the decoder shrank it. */
  readonly shown: PhotoSize;
}

/**
 * Any photo upright, in sRGB, on white. Sides longer than `largest` are shrunk to half of it, one by one, which
 * resampling makes good.
 * @throws PhotoUnreadable
 */
export async function decodePhoto(photo: Buffer, largest: number, maxPixels: number): Promise<DecodedPhoto> {
  try {
    const image = sharp(photo, safeImageOptions({ maxPixels }));
    const { width, height } = (await image.metadata()).autoOrient;
    if (width > largest || height > largest) {
      const side = (length: number) => (length > largest ? largest / 2 : length);
      image.resize(side(width), side(height), { fit: "fill", kernel: "linear" });
    }
    const { data, info } = await toOpaqueSrgb(image).raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { data, size: { width: info.width, height: info.height }, shown: { width, height } };
  } catch (error) {
    throw decodeFailure(error, false, { maxPixels });
  }
}

/** As `decodePhoto`, by the faster decoder where it can read the photo. @throws PhotoUnreadable */
export async function decodePixels(photo: Buffer, largest: number, maxPixels: number): Promise<DecodedPhoto> {
  const size = fastJpegSize(photo);
  if (size && size.width <= largest && size.height <= largest && size.width * size.height <= maxPixels) {
    const data = Buffer.allocUnsafe(size.width * size.height * 3);
    if (decodeFastJpeg(photo, data)) return { data, size, shown: size };
  }
  return decodePhoto(photo, largest, maxPixels);
}
