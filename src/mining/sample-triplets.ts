import { createDraws, type Draws, drawSome } from "./draws.js";
import { poolOf } from "./inject-partners.js";
import type { MinedPools, MinedTriplet, UnitVectors } from "./mining.type.js";
import { similarityOf } from "./within-labels.js";

/** Where nothing is mined, the hardest of so many drawn photos stands in. */
const DRAWN = 32;

/**
 * Some triplets for people to look at, the most wrong first: those whose negative is nearer than their positive.
 * @param labels one a photo; −1: in no triplet
 * @param pools as mined from these vectors; a kind that is not mined is made up for by the hardest of a few drawn ones
 */
export function sampleTriplets(
  vectors: UnitVectors,
  labels: Int32Array,
  pools: MinedPools | undefined,
  { count, seed }: { readonly count: number; readonly seed: number },
): MinedTriplet[] {
  const draws = createDraws(seed);
  const labelled = Int32Array.from(labels.keys()).filter((place) => labels[place]! >= 0);
  const mined = (anchor: number): boolean =>
    pools !== undefined &&
    poolOf(pools.positives, pools.positiveStart, anchor).length +
      poolOf(pools.negatives, pools.negativeStart, anchor).length >
      0;
  // Anchors with a mined partner first.
  const some = drawSome(labelled, labelled.length, draws);
  const ordered = [...some.filter(mined), ...some.filter((place) => !mined(place))];
  const triplets: MinedTriplet[] = [];
  for (const anchor of ordered) {
    if (triplets.length === count) break;
    const similarity = (place: number): number => similarityOf(vectors, anchor, place);
    const positive =
      (pools && poolOf(pools.positives, pools.positiveStart, anchor)[0]) ??
      hardest(labelled, draws, (place) =>
        place !== anchor && labels[place] === labels[anchor] ? -similarity(place) : undefined,
      );
    const negative =
      (pools && poolOf(pools.negatives, pools.negativeStart, anchor)[0]) ??
      hardest(labelled, draws, (place) => (labels[place] === labels[anchor] ? undefined : similarity(place)));
    if (positive === undefined || negative === undefined) continue;
    triplets.push({
      anchor,
      positive,
      negative,
      positiveDistance: 1 - similarity(positive),
      negativeDistance: 1 - similarity(negative),
    });
  }
  const violation = ({ positiveDistance, negativeDistance }: MinedTriplet): number =>
    negativeDistance - positiveDistance;
  return triplets.sort((left, right) => violation(left) - violation(right) || left.anchor - right.anchor);
}

/** Of some drawn photos the one with the largest value. */
function hardest(from: Int32Array, draws: Draws, value: (place: number) => number | undefined): number | undefined {
  let best: number | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const place of drawSome(from, DRAWN, draws)) {
    const own = value(place);
    if (own === undefined || own <= most) continue;
    most = own;
    best = place;
  }
  return best;
}
