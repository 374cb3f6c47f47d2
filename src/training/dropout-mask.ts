import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Fills a mask with 0 (hidden) and 1 / (1 − share). It follows from seed and step alone, so that a resumed run draws
 * what the first one would have drawn.
 */
export function fillDropoutMask(mask: Float32Array, share: number, seed: number, step: number): void {
  // Knuth's multiplicative hash parts the streams of neighbouring steps.
  const random = xoroshiro128plus(seed ^ Math.imul(step + 1, 0x9e3779b1));
  const threshold = share * 2 ** 32;
  const kept = 1 / (1 - share);
  for (let index = 0; index < mask.length; index++) mask[index] = random.next() >>> 0 < threshold ? 0 : kept;
}
