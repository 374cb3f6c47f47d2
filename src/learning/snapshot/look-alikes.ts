import { DisjointSets, findDuplicates } from "../../mining/index.js";
import type { LabelledVector } from "../../vectors/vectors.type.js";
import type { DraftPhotos } from "./draft.js";
import { centre, sketch } from "./sketches.js";

/**
 * Cosine distance of vectors less the catalog's mean, up to which two photos are one shot: the same file saved smaller
 * or again. See docs/decisions/142-what-counts-as-the-same-shot.md.
 */
export const SAME_SHOT = 0.04;

/** Sketches are off by an eighth; twice the distance loses none that matter, and what is too far is found out. */
const SLACK = 2;

/**
 * A content that more products show than this says nothing about any of them: a size chart, a placeholder. Variants of
 * one group count as one. Tied together by it, most of a catalog would be held out with its first test product.
 */
const MOST_SHOWING = 20;

/** Reads a model's photo vectors, in order of product and photo, from the beginning each time. */
export type VectorStream = () => AsyncIterable<readonly LabelledVector[]>;

export interface LookAlikes {
  /** Whether each photo has a vector. */
  readonly embedded: Uint8Array;
  /** A number for each group of photos of one shot; −1: nothing like it. */
  readonly groups: Int32Array;
}

/**
 * Photos of one shot: of equal content, or so close by vector, but for contents all over the catalog. Two passes over the vectors: all of them as sketches,
 * then those that may have a partner as they are.
 */
export async function findLookAlikes(
  draft: DraftPhotos,
  read: VectorStream,
  distance: number,
  signal?: AbortSignal,
): Promise<LookAlikes> {
  const embedded = new Uint8Array(draft.imageIds.length);
  // One vector a content, however many products show it.
  const rows: number[] = [];
  const rowOfBlob = new Map<bigint, number>();
  const advance = walkAlong(draft);
  const sketches = await sketch(
    read(),
    (item) => {
      const place = advance(item);
      if (place < 0) return false;
      embedded[place] = 1;
      const blob = draft.blobIds[place]!;
      if (rowOfBlob.has(blob)) return false;
      rowOfBlob.set(blob, rows.length);
      rows.push(place);
      return true;
    },
    signal,
  );
  const rest = signal === undefined ? {} : { signal };
  const everywhere = contentsEverywhere(draft);
  const ties = (place: number): boolean => !everywhere.has(draft.blobIds[place]!);
  const candidates = await findDuplicates(sketches.vectors, { distance: SLACK * distance, ...rest });
  const close = await verify(draft, read, {
    isCandidate: (place) => {
      const row = rowOfBlob.get(draft.blobIds[place]!);
      return row !== undefined && rows[row] === place && candidates[row]! >= 0 && ties(place);
    },
    mean: sketches.mean,
    distance,
    signal,
  });

  const sets = new DisjointSets(draft.imageIds.length);
  for (const [place, blob] of draft.blobIds.entries()) {
    const row = rowOfBlob.get(blob);
    if (row !== undefined && embedded[place] === 1 && ties(place)) sets.join(place, rows[row]!);
  }
  for (const [left, right] of close) sets.join(left, right);
  return { embedded, groups: sets.numbered() };
}

/** Contents that too many products show, variants of a group counted once. */
function contentsEverywhere({ blobIds, productIds, groups }: DraftPhotos): ReadonlySet<bigint> {
  const photos = new Map<bigint, number>();
  for (const blob of blobIds) photos.set(blob, (photos.get(blob) ?? 0) + 1);
  const showing = new Map<bigint, Set<bigint | number>>();
  for (const [place, blob] of blobIds.entries()) {
    // Most contents are shown once: no set for each of a million.
    if (photos.get(blob)! <= MOST_SHOWING) continue;
    const known = showing.get(blob) ?? new Set();
    const group = groups[place]!;
    showing.set(blob, known.add(group < 0 ? productIds[place]! : group));
  }
  return new Set([...showing].flatMap(([blob, { size }]) => (size > MOST_SHOWING ? [blob] : [])));
}

interface Verification {
  readonly isCandidate: (place: number) => boolean;
  readonly mean: Float32Array;
  readonly distance: number;
  readonly signal: AbortSignal | undefined;
}

/** Pairs of places whose vectors are close indeed. */
async function verify(
  draft: DraftPhotos,
  read: VectorStream,
  { isCandidate, mean, distance, signal }: Verification,
): Promise<[number, number][]> {
  const places: number[] = [];
  for (const place of draft.imageIds.keys()) if (isCandidate(place)) places.push(place);
  if (places.length === 0) return [];
  const dims = mean.length;
  const data = new Float32Array(places.length * dims);
  const found: number[] = [];
  const wanted = new Set(places);
  const advance = walkAlong(draft);
  for await (const batch of read()) {
    signal?.throwIfAborted();
    for (const item of batch) {
      const place = advance(item);
      if (!wanted.has(place)) continue;
      data.set(item.vector, found.length * dims);
      found.push(place);
    }
  }
  const rows = data.subarray(0, found.length * dims);
  centre(rows, dims, mean);
  const groups = await findDuplicates(
    { data: rows, count: found.length, dims },
    signal === undefined ? { distance } : { distance, signal },
  );
  const first = new Map<number, number>();
  const pairs: [number, number][] = [];
  for (const [row, group] of groups.entries()) {
    if (group < 0) continue;
    const known = first.get(group);
    if (known === undefined) first.set(group, found[row]!);
    else pairs.push([known, found[row]!]);
  }
  return pairs;
}

/** Finds the places of items that come in the draft's own order; −1 for one that is not in it. */
function walkAlong({ productIds, imageIds }: DraftPhotos): (item: LabelledVector) => number {
  let place = 0;
  return ({ productId, imageId = 0n }) => {
    const before = (): boolean =>
      productIds[place]! < productId || (productIds[place] === productId && imageIds[place]! < imageId);
    while (place < imageIds.length && before()) place += 1;
    return imageIds[place] === imageId && productIds[place] === productId ? place : -1;
  };
}
