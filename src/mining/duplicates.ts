import { DisjointSets } from "./disjoint-sets.js";
import { createDraws, drawSome } from "./draws.js";
import { type LabelLists, listByLabel } from "./label-lists.js";
import type { UnitVectors } from "./mining.type.js";
import { gather, nearest, rank } from "./nearest.js";
import { visitPairsWithin } from "./within-labels.js";

export interface DuplicateOptions {
  /** Photos at most this far apart belong together. Cosine distance. */
  readonly distance: number;
  /** Beyond so many photos only those near the same landmarks are compared. Default 20,000. */
  readonly exactUpTo?: number;
  readonly signal?: AbortSignal;
  readonly threads?: number;
}

/** Neighbours asked for at first, itself among them; more only where all of them are duplicates. */
const FIRST_ASKED = 5;
/** Landmarks that a photo is put to; near-duplicates almost always share one. */
const LANDMARKS = 3;

/**
 * Photos that look alike: a number for each group, −1 for a photo that is alone. Groups are chains: two of its photos
 * can be farther apart when others lie between them. Exact up to `exactUpTo` photos; beyond, a pair is missed when the
 * landmarks nearest to both are all different.
 */
export async function findDuplicates(vectors: UnitVectors, options: DuplicateOptions): Promise<Int32Array> {
  const { exactUpTo = 20_000 } = options;
  const sets = new DisjointSets(vectors.count);
  if (vectors.count <= exactUpTo) await joinExactly(vectors, sets, options);
  else await joinByLandmarks(vectors, sets, options);
  return sets.numbered();
}

async function joinExactly(
  vectors: UnitVectors,
  sets: DisjointSets,
  { distance, signal, threads }: DuplicateOptions,
): Promise<void> {
  const rest = { ...(signal && { signal }), ...(threads !== undefined && { threads }) };
  let asking = Int32Array.from({ length: vectors.count }, (_, place) => place);
  for (let k = FIRST_ASKED; asking.length > 0; k *= 4) {
    const { places, similarities } = await rank(vectors, vectors, k, { places: asking, ...rest });
    const within = (row: number, at: number): boolean =>
      places[row * k + at]! >= 0 && 1 - similarities[row * k + at]! <= distance;
    for (const [row, place] of asking.entries()) {
      for (let at = 0; at < k && within(row, at); at++) sets.join(place, places[row * k + at]!);
    }
    asking = asking.filter((_, row) => within(row, k - 1));
  }
}

/** Some photos serve as landmarks; only photos with a landmark in common among their nearest are compared. */
async function joinByLandmarks(
  vectors: UnitVectors,
  sets: DisjointSets,
  { distance, signal, threads }: DuplicateOptions,
): Promise<void> {
  const rest = { ...(signal && { signal }), ...(threads !== undefined && { threads }) };
  const all = Int32Array.from({ length: vectors.count }, (_, place) => place);
  // So many that finding the landmarks costs about as much as comparing what they hold.
  const chosen = drawSome(all, Math.ceil(2 * Math.sqrt(vectors.count)), createDraws(vectors.count)).sort();
  const { places } = await nearest(vectors, gather(vectors, chosen), LANDMARKS, rest);
  const entries = listByLabel(places);
  const held: LabelLists = {
    labels: entries.labels,
    photosOf: (landmark) => entries.photosOf(landmark).map((entry) => Math.floor(entry / LANDMARKS)),
  };
  const visit = (left: number, right: number, similarity: number): void => {
    if (1 - similarity <= distance) sets.join(left, right);
  };
  await visitPairsWithin(vectors, held, visit, rest);
}
