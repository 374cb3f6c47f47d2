import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random numbers that follow from a seed alone. */
export interface Draws {
  /** 0 … limit − 1 */
  below(limit: number): number;
  /** 0 … 1, without 1. */
  share(): number;
}

/** @param parts numbers that tell one stream from another, such as a step */
export function createDraws(seed: number, ...parts: readonly number[]): Draws {
  // Knuth's multiplicative hash parts the streams of neighbouring seeds and steps.
  const mixed = parts.reduce((state, part) => Math.imul(state ^ (part + 1), 0x9e3779b1) ^ (state >>> 15), seed | 0);
  const generator = xoroshiro128plus(mixed);
  return {
    below: (limit) => uniformInt(generator, 0, limit - 1),
    share: () => (generator.next() >>> 0) / 2 ** 32,
  };
}

/** `wanted` of these, or all of them, in random order and each once. Leaves the given array alone. */
export function drawSome(from: Int32Array, wanted: number, draws: Draws): Int32Array {
  const count = Math.min(wanted, from.length);
  // The first places of a shuffle; only what moved is remembered, so that a few of a million cost a few.
  const moved = new Map<number, number>();
  return Int32Array.from({ length: count }, (_, place) => {
    const other = place + draws.below(from.length - place);
    const drawn = moved.get(other) ?? other;
    moved.set(other, moved.get(place) ?? place);
    return from[drawn]!;
  });
}
