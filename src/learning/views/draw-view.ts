import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { AugmentationSettings, View } from "./view.type.js";

/** As the seed repository crops and flips, with colour jitter that keeps the hue. */
export const usualAugmentation: AugmentationSettings = {
  area: [0.5, 1],
  ratio: [3 / 4, 4 / 3],
  flip: true,
  jitter: 0.2,
};

/** Draws of a crop that does not fit before the whole photo is taken, as in torchvision. */
const CROP_ATTEMPTS = 10;

/**
 * The view of a photo that seed and number stand for: a crop of random area and ratio, mirrored every second time, with
 * colours moved a little. The same numbers give the same view.
 * @param aspect width by height of the photo
 */
export function drawView(settings: AugmentationSettings, seed: number, number: number, aspect: number): View {
  const random = xoroshiro128plus(mixed(seed, number));
  // The first numbers of neighbouring seeds resemble each other.
  for (let skipped = 0; skipped < 4; skipped++) uniformFloat64(random);
  const between = (from: number, to: number) => from + (to - from) * uniformFloat64(random);
  const factor = () => between(1 - settings.jitter, 1 + settings.jitter);
  const colours = { brightness: factor(), contrast: factor(), saturation: factor() };
  const flip = settings.flip && uniformFloat64(random) < 0.5;
  for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
    const area = between(...settings.area);
    const ratio = Math.exp(between(Math.log(settings.ratio[0]), Math.log(settings.ratio[1])));
    // In shares of the sides: width · height = area, (width · aspect) / height = ratio.
    const width = Math.sqrt((area * ratio) / aspect);
    const height = area / width;
    if (width > 1 || height > 1) continue;
    return { left: between(0, 1 - width), top: between(0, 1 - height), width, height, flip, ...colours };
  }
  return { left: 0, top: 0, width: 1, height: 1, flip, ...colours };
}

/** A well-spread 32-bit number of two (the finaliser of MurmurHash3). */
export function mixed(first: number, second: number): number {
  let bits = (Math.imul(first | 0, 0x9e3779b1) ^ Math.imul((second | 0) + 0x7f4a7c15, 0x85ebca6b)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) | 0;
}
