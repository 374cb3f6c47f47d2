import { countDistance, type DistanceCounts, noDistances } from "./distance-counts.js";
import { createDraws, drawSome } from "./draws.js";
import { type LabelLists, listByLabel } from "./label-lists.js";
import { NothingToMine } from "./mining.errors.js";
import type { UnitVectors } from "./mining.type.js";
import { gather } from "./nearest.js";
import { openSimilaritySession } from "./similarity-session.js";
import { visitPairsWithin } from "./within-labels.js";

/** Photos of each side of a block of drawn pairs. */
const DRAWN = 2048;

export interface MeasureOptions {
  readonly seed: number;
  /** Looked at when there are more; about. */
  readonly maxPositivePairs: number;
  readonly maxNegativePairs: number;
  readonly signal?: AbortSignal | undefined;
  readonly threads?: number | undefined;
}

/** Distances of positive and of negative pairs. */
export interface PairMeasurement {
  readonly photos: number;
  readonly positive: DistanceCounts;
  readonly allPositives: boolean;
  readonly negative: DistanceCounts;
  readonly allNegatives: boolean;
}

/**
 * Counts distances: all pairs, or where there are more than wanted a fair sample of either kind.
 * @param labels one a photo; −1: in no pair
 * @throws NothingToMine  when there is no positive or no negative pair
 */
export async function measurePairs(
  vectors: UnitVectors,
  labels: Int32Array,
  options: MeasureOptions,
): Promise<PairMeasurement> {
  const lists = listByLabel(labels);
  const photos = [...lists.labels].reduce((sum, label) => sum + lists.photosOf(label).length, 0);
  const positives = [...lists.labels].reduce((sum, label) => sum + pairsOf(lists.photosOf(label).length), 0);
  const negatives = pairsOf(photos) - positives;
  if (positives === 0 || negatives === 0) throw nothing(photos, lists.labels.length, positives);
  const allPositives = positives <= options.maxPositivePairs;
  const allNegatives = negatives <= options.maxNegativePairs;
  return {
    photos,
    positive: await measurePositives(vectors, lists, options, options.maxPositivePairs / positives),
    allPositives,
    negative: allNegatives
      ? await measureAllNegatives(vectors, labels, lists, options)
      : await measureDrawnNegatives(vectors, labels, lists, options),
    allNegatives,
  };
}

const pairsOf = (count: number): number => (count * (count - 1)) / 2;

async function measurePositives(
  vectors: UnitVectors,
  lists: LabelLists,
  { seed, ...options }: MeasureOptions,
  share: number,
): Promise<DistanceCounts> {
  const counts = noDistances();
  if (share >= 1) {
    await visitPairsWithin(vectors, lists, (_, __, similarity) => countDistance(counts, 1 - similarity), options);
    return counts;
  }
  // Of each label so many photos that its pairs shrink like those of all; what rounding does to small labels is
  // weighed off.
  const kept = new Map<number, Int32Array>();
  const weights = new Map<number, number>();
  for (const label of lists.labels) {
    const photos = lists.photosOf(label);
    const wanted = Math.min(photos.length, Math.max(2, Math.round(photos.length * Math.sqrt(share))));
    kept.set(label, drawSome(photos, wanted, createDraws(seed, label)).sort());
    weights.set(label, wanted < 2 ? 0 : (share * pairsOf(photos.length)) / pairsOf(wanted));
  }
  const some: LabelLists = { labels: lists.labels, photosOf: (label) => kept.get(label) ?? new Int32Array(0) };
  const visit = (_: number, __: number, similarity: number, label: number): void =>
    countDistance(counts, 1 - similarity, weights.get(label)!);
  await visitPairsWithin(vectors, some, visit, options);
  return counts;
}

/** Every pair is looked at; those of one label are passed over. */
async function measureAllNegatives(
  vectors: UnitVectors,
  labels: Int32Array,
  lists: LabelLists,
  options: MeasureOptions,
): Promise<DistanceCounts> {
  const counts = noDistances();
  const labelled = Int32Array.from([...lists.labels].flatMap((label) => [...lists.photosOf(label)]));
  const everything: LabelLists = { labels: Int32Array.of(0), photosOf: () => labelled };
  const visit = (left: number, right: number, similarity: number): void => {
    if (labels[left] !== labels[right]) countDistance(counts, 1 - similarity);
  };
  await visitPairsWithin(vectors, everything, visit, options);
  return counts;
}

/** Some photos against some others, drawn anew for each block: every negative pair is as likely as any other. */
async function measureDrawnNegatives(
  vectors: UnitVectors,
  labels: Int32Array,
  lists: LabelLists,
  { seed, maxNegativePairs, signal, threads }: MeasureOptions,
): Promise<DistanceCounts> {
  const counts = noDistances();
  const labelled = Int32Array.from(labels.keys()).filter((place) => lists.photosOf(labels[place]!).length > 0);
  const session = await openSimilaritySession({ dims: vectors.dims, ...(threads !== undefined && { threads }) });
  try {
    // A block of one label alone has no negative pair; there are some, so other blocks will have them.
    for (let block = 0; counts.total < maxNegativePairs; block++) {
      signal?.throwIfAborted();
      const drawn = drawSome(labelled, 2 * DRAWN, createDraws(seed, -1, block));
      const half = drawn.length >> 1;
      const [own, others] = [drawn.subarray(0, half), drawn.subarray(half)];
      const { similarities } = await session.run(
        { vectors: gather(vectors, own), from: 0, until: own.length },
        { vectors: gather(vectors, others), from: 0, until: others.length },
      );
      for (let row = 0; row < own.length && counts.total < maxNegativePairs; row++) {
        for (let column = 0; column < others.length; column++) {
          if (labels[own[row]!] === labels[others[column]!]) continue;
          countDistance(counts, 1 - similarities[row * others.length + column]!);
        }
      }
      await new Promise((resume) => setImmediate(resume));
    }
    return counts;
  } finally {
    await session.release();
  }
}

function nothing(photos: number, labels: number, positives: number): NothingToMine {
  if (photos === 0)
    return new NothingToMine("No photo has a label, so that no two belong together. Label some products.");
  const which = `${photos} photo${photos === 1 ? " has" : "s have"}`;
  return positives === 0
    ? new NothingToMine(`${which} a label, but no two the same. Give at least two photos a label.`)
    : new NothingToMine(
        `${which} ${labels === 1 ? "all the same label" : "labels"}, so that none differ. Add another.`,
      );
}
