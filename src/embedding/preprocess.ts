import sharp from "sharp";
import { safeImageOptions, toOpaqueSrgb } from "../catalog/photos/photo-input-options.js";
import { decodeFailure } from "../catalog/photos/photo-intake.js";
import type { Preprocessing } from "../encoders/encoder.type.js";
import { decodeFastJpeg, fastJpegSize } from "./fast-jpeg.js";
import { createResampler } from "./resampler.js";

/**
 * A photo more than this many times the input's side is shrunk by the decoder first, to half of that: a JPEG is then
 * decoded at a fraction of its size, and a 48-megapixel photo costs 2 MB here instead of 144.
 */
const SHRINK_ABOVE = 4;

export interface PreprocessOptions {
  /** Photos that the tensor holds. */
  readonly slots: number;
  /** Largest photo that is decoded. */
  readonly maxPixels: number;
}

/** Photo bytes to the encoder's input. The one way from a photo to a tensor, in serving and in training. */
export interface Preprocessor {
  /**
   * Decodes a photo (upright, sRGB, transparency on white) and writes it into slot `slot` of the tensor.
   * @throws PhotoUnreadable
   */
  write(photo: Buffer, slot: number): Promise<void>;
  /** The first `count` slots: float32 in the manifest's layout. A view; copy it to keep it. */
  tensor(count: number): Float32Array;
}

export function createPreprocessor(
  preprocessing: Preprocessing,
  { slots, maxPixels }: PreprocessOptions,
): Preprocessor {
  const resampler = createResampler(preprocessing, slots);
  const largest = SHRINK_ABOVE * preprocessing.size;

  function writeFast(photo: Buffer, slot: number): boolean {
    const size = fastJpegSize(photo);
    if (size === undefined || size.width > largest || size.height > largest) return false;
    if (size.width * size.height > maxPixels) return false;
    if (!decodeFastJpeg(photo, resampler.room(size))) return false;
    resampler.resample(slot);
    return true;
  }

  async function writeAny(photo: Buffer, slot: number): Promise<void> {
    const { data, info, shown } = await decode(photo, largest, maxPixels);
    data.copy(resampler.room({ width: info.width, height: info.height }, shown));
    resampler.resample(slot);
  }

  return {
    async write(photo, slot) {
      if (!writeFast(photo, slot)) await writeAny(photo, slot);
    },
    tensor: (count) => resampler.tensor(count),
  };
}

/** Any photo as 8-bit RGB, at most `largest` on each side. Sides are shrunk one by one, which resampling makes good. */
async function decode(photo: Buffer, largest: number, maxPixels: number) {
  try {
    const image = sharp(photo, safeImageOptions({ maxPixels }));
    const { width, height } = (await image.metadata()).autoOrient;
    if (width > largest || height > largest) {
      const side = (length: number) => (length > largest ? largest / 2 : length);
      image.resize(side(width), side(height), { fit: "fill", kernel: "linear" });
    }
    const pixels = await toOpaqueSrgb(image).raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { ...pixels, shown: { width, height } };
  } catch (error) {
    throw decodeFailure(error, false, { maxPixels });
  }
}
