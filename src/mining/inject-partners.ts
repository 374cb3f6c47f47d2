import type { DrawableRule } from "./batch-sampler.js";
import type { DraftBatch } from "./draw-batch.js";
import { createDraws, type Draws } from "./draws.js";
import type { MinedPools } from "./mining.type.js";

export interface InjectionOptions {
  readonly positives: number;
  readonly negatives: number;
  readonly views: number;
  readonly seed: number;
  readonly step: number;
}

/**
 * Adds mined partners, until each anchor meets as many of its pool as wanted, or all of it. A partner that is in the
 * batch already counts. Places that are left, because nothing was mined for an anchor or its partner was there, are
 * filled with photos of the batch's labels, which are anchors like any other, so that every batch has the same size.
 */
export function injectPartners(
  batch: DraftBatch,
  rule: DrawableRule,
  pools: MinedPools | undefined,
  { positives, negatives, views, seed, step }: InjectionOptions,
): void {
  const draws = createDraws(seed, step, 2);
  const anchors = [...batch.photos];
  const size = anchors.length * (1 + positives + negatives);
  const present = new Set(anchors);
  const inject = (photo: number): void => {
    present.add(photo);
    batch.photos.push(photo);
    batch.views.push(draws.below(views));
    batch.anchors.push(0);
  };
  if (pools !== undefined) {
    const { labelOf } = rule;
    // A photo that may not be drawn is on no list: pools can be older than what is excluded.
    const drawable = (photo: number): boolean => contains(rule.lists.photosOf(labelOf[photo]!), photo);
    for (const anchor of anchors) {
      const usable = (pool: Int32Array, same: boolean): number[] =>
        [...pool].filter((photo) => (labelOf[photo] === labelOf[anchor]) === same && drawable(photo));
      meet(usable(poolOf(pools.positives, pools.positiveStart, anchor), true), positives, present, inject, draws);
      meet(usable(poolOf(pools.negatives, pools.negativeStart, anchor), false), negatives, present, inject, draws);
    }
  }
  const labels = [...new Set(anchors.map((anchor) => rule.labelOf[anchor]!))];
  while (batch.photos.length < size) {
    const photos = rule.lists.photosOf(labels[draws.below(labels.length)]!);
    let photo = photos[draws.below(photos.length)]!;
    // Another try or two finds one that is not there yet, unless the catalog is about as small as the batch.
    for (let tries = 0; present.has(photo) && tries < 3; tries++) photo = photos[draws.below(photos.length)]!;
    present.add(photo);
    batch.photos.push(photo);
    batch.views.push(draws.below(views));
    batch.anchors.push(1);
  }
}

function meet(
  pool: readonly number[],
  wanted: number,
  present: ReadonlySet<number>,
  inject: (photo: number) => void,
  draws: Draws,
): void {
  const absent = pool.filter((photo) => !present.has(photo));
  let missing = Math.min(wanted, pool.length) - (pool.length - absent.length);
  for (; missing > 0; missing -= 1) inject(absent.splice(draws.below(absent.length), 1)[0]!);
}

export function poolOf(members: Int32Array, start: Int32Array, anchor: number): Int32Array {
  return members.subarray(start[anchor] ?? 0, start[anchor + 1] ?? 0);
}

/** @param sorted ascending */
function contains(sorted: Int32Array, value: number): boolean {
  let from = 0;
  let until = sorted.length;
  while (from < until) {
    const middle = (from + until) >> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else until = middle;
  }
  return sorted[from] === value;
}
