import { decodePixels, largestSide } from "../../embedding/decode-photo.js";
import { createResampler } from "../../embedding/resampler.js";
import { flipInput, moveColours } from "./colour-and-flip.js";
import { drawView } from "./draw-view.js";
import type { ViewLaneSettings, ViewRequest } from "./view.type.js";

/** Decodes a photo once and prepares views of it. */
export interface ViewMaker {
  /**
   * Calls `use` with each view in turn: float32 in the manifest's layout, overwritten by the next one.
   * @throws PhotoUnreadable
   */
  each(request: ViewRequest, use: (input: Float32Array) => Promise<void>): Promise<void>;
}

export function createViewMaker({
  preprocessing,
  maxPixels,
  augmentation,
}: Pick<ViewLaneSettings, "preprocessing" | "maxPixels" | "augmentation">): ViewMaker {
  const plain = createResampler(preprocessing, 1);
  const crops = createResampler({ ...preprocessing, resize: "squash" }, 1);
  const largest = largestSide(preprocessing);
  return {
    async each({ photo, seed, views }, use) {
      const bytes = Buffer.from(photo.buffer, photo.byteOffset, photo.byteLength);
      const { data, size, shown } = await decodePixels(bytes, largest, maxPixels);
      // Crops are taken of what serving sees: a photo that is covered by the square input is cropped to it first.
      const seen = preprocessing.resize === "crop" ? centralSquare(size, shown) : { left: 0, top: 0, ...size };
      // A photo that serving squashes is cropped in the shape that the encoder knows it by: crops of a ratio by pixels
      // would show every photo in another distortion than the plain view has.
      const aspect = preprocessing.resize === "pad" ? shown.width / shown.height : 1;
      for (const number of views) {
        if (number === 0) {
          data.copy(plain.room(size, shown));
          plain.resample(0);
          await use(plain.tensor(1));
          continue;
        }
        const view = drawView(augmentation, seed, number, aspect);
        const width = Math.max(1, Math.round(view.width * seen.width));
        const height = Math.max(1, Math.round(view.height * seen.height));
        const left = seen.left + Math.min(seen.width - width, Math.round(view.left * seen.width));
        const top = seen.top + Math.min(seen.height - height, Math.round(view.top * seen.height));
        const room = crops.room({ width, height });
        for (let row = 0; row < height; row++) {
          const from = 3 * ((top + row) * size.width + left);
          data.copy(room, 3 * row * width, from, from + 3 * width);
        }
        crops.resample(0);
        const input = crops.tensor(1);
        if (augmentation.jitter > 0) moveColours(input, preprocessing, view);
        if (view.flip) flipInput(input, preprocessing);
        await use(input);
      }
    },
  };
}

/** The square in the middle of the photo as it was, in pixels of the decoded copy. */
function centralSquare(size: { width: number; height: number }, shown: { width: number; height: number }) {
  const side = Math.min(shown.width, shown.height);
  const width = Math.max(1, Math.round((side / shown.width) * size.width));
  const height = Math.max(1, Math.round((side / shown.height) * size.height));
  return { left: (size.width - width) >> 1, top: (size.height - height) >> 1, width, height };
}
