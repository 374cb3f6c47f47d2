import type { Preprocessing } from "../encoders/encoder.type.js";
import { decodePhoto, largestSide } from "./decode-photo.js";
import { decodeFastJpeg, fastJpegSize } from "./fast-jpeg.js";
import { createResampler } from "./resampler.js";

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
  const largest = largestSide(preprocessing);

  function writeFast(photo: Buffer, slot: number): boolean {
    const size = fastJpegSize(photo);
    if (size === undefined || size.width > largest || size.height > largest) return false;
    if (size.width * size.height > maxPixels) return false;
    if (!decodeFastJpeg(photo, resampler.room(size))) return false;
    resampler.resample(slot);
    return true;
  }

  async function writeAny(photo: Buffer, slot: number): Promise<void> {
    const { data, size, shown } = await decodePhoto(photo, largest, maxPixels);
    data.copy(resampler.room(size, shown));
    resampler.resample(slot);
  }

  return {
    async write(photo, slot) {
      if (!writeFast(photo, slot)) await writeAny(photo, slot);
    },
    tensor: (count) => resampler.tensor(count),
  };
}
