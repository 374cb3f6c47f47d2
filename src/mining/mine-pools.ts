import { bandsOf } from "./describe-distances.js";
import { type DistanceCounts, distanceAt, shareUpTo } from "./distance-counts.js";
import { farthestOfLabel, joinLists, type Partners } from "./hard-positives.js";
import { measurePairs } from "./measure-pairs.js";
import type { MinedPools, UnitVectors } from "./mining.type.js";
import { rank } from "./nearest.js";

/**
 * hard-positives: the seed's, photos of the own label beyond the peak of all positive distances. hard-negatives: of
 * other labels, nearer than the peak of all negative distances. both. semi-hard: negatives of that band, but farther
 * than the anchor's own positives are on average. none: empty pools.
 */
export type MiningPolicy = "none" | "hard-positives" | "hard-negatives" | "both" | "semi-hard";

export interface MiningOptions {
  readonly policy: MiningPolicy;
  /** Partners of each anchor, at most; the hardest of the band. */
  readonly positivesPerAnchor: number;
  readonly negativesPerAnchor: number;
  /** Share of the hard positive pairs, the farthest of all, that is left out: they are mostly wrong labels. */
  readonly trim: number;
  readonly seed: number;
  /** Places that are neither anchors nor partners. */
  readonly exclude?: Iterable<number>;
  /** Partners are mined for these photos only; for all of them when absent. */
  readonly anchors?: Iterable<number>;
  readonly signal?: AbortSignal;
  readonly threads?: number;
}

/** Bands and the trim are measured on so many pairs of either kind. */
const MEASURED = 5e6;

/**
 * Partners that are hard by the distances of the whole catalog.
 * @param labels one a photo; −1: neither anchor nor partner
 * @throws NothingToMine  when there is no positive or no negative pair
 */
export async function minePools(vectors: UnitVectors, labels: Int32Array, options: MiningOptions): Promise<MinedPools> {
  const { policy, positivesPerAnchor, negativesPerAnchor, trim, seed, signal, threads } = options;
  const usable = labels.slice();
  for (const place of options.exclude ?? []) usable[place] = -1;
  const anchors = anchorsOf(usable, options.anchors);
  const measure = { seed, maxPositivePairs: MEASURED, maxNegativePairs: MEASURED, signal, threads };
  const measured = await measurePairs(vectors, usable, measure);
  const bands = bandsOf(measured);
  const none: Partners = { members: new Int32Array(0), start: new Int32Array(labels.length + 1) };
  const takesPositives = policy === "hard-positives" || policy === "both";
  const positives =
    takesPositives || policy === "semi-hard"
      ? await farthestOfLabel(vectors, usable, anchors, {
          beyond: bands.positivePeak,
          within: trimmedAt(measured.positive, bands.positivePeak, trim),
          most: positivesPerAnchor,
          signal,
          threads,
        })
      : undefined;
  const nearer = {
    usable,
    anchors,
    most: negativesPerAnchor,
    negativePeak: bands.negativePeak,
    below: policy === "semi-hard" ? positives?.meanSimilarity : undefined,
    signal,
    threads,
  };
  const negatives =
    policy === "none" || policy === "hard-positives" ? none : await nearestOfOtherLabels(vectors, nearer);
  return {
    positives: takesPositives ? positives!.members : none.members,
    positiveStart: takesPositives ? positives!.start : none.start,
    negatives: negatives.members,
    negativeStart: negatives.start,
    bands,
  };
}

function anchorsOf(usable: Int32Array, wanted: Iterable<number> | undefined): Int32Array {
  const places = wanted === undefined ? usable.keys() : new Set(wanted);
  return Int32Array.from(places)
    .filter((place) => usable[place]! >= 0)
    .sort();
}

/** The distance beyond which the farthest share of the hard positives lies. */
function trimmedAt(positive: DistanceCounts, peak: number, trim: number): number {
  const hard = 1 - shareUpTo(positive, peak);
  return trim <= 0 ? Number.POSITIVE_INFINITY : distanceAt(positive, 1 - trim * hard);
}

async function nearestOfOtherLabels(
  vectors: UnitVectors,
  options: {
    readonly usable: Int32Array;
    readonly anchors: Int32Array;
    readonly most: number;
    readonly negativePeak: number;
    readonly below: Float32Array | undefined;
    readonly signal: AbortSignal | undefined;
    readonly threads: number | undefined;
  },
): Promise<Partners> {
  const { usable, anchors, most, negativePeak, below, signal, threads } = options;
  const { places, similarities } = await rank(vectors, vectors, most, {
    groups: { queries: usable, gallery: usable },
    places: anchors,
    ...(below && { below }),
    ...(signal && { signal }),
    ...(threads !== undefined && { threads }),
  });
  const rows = new Int32Array(usable.length).fill(-1);
  for (const [row, place] of anchors.entries()) rows[place] = row;
  return joinLists(usable.length, (photo) => {
    const row = rows[photo]!;
    if (row < 0) return new Int32Array(0);
    let count = 0;
    const from = row * most;
    while (count < most && places[from + count]! >= 0 && 1 - similarities[from + count]! < negativePeak) count += 1;
    return places.subarray(from, from + count);
  });
}
