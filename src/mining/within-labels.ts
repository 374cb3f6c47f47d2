import type { LabelLists } from "./label-lists.js";
import type { UnitVectors } from "./mining.type.js";
import { gather } from "./nearest.js";
import { openSimilaritySession } from "./similarity-session.js";

const QUERIES = 256;
const GALLERY = 16_384;

/** Up to here a loop is faster than calling the runtime. */
const FEW = 16;

export interface PairOptions {
  readonly signal?: AbortSignal | undefined;
  readonly threads?: number | undefined;
}

/** Similarity of two photos of one label. */
export type PairVisitor = (left: number, right: number, similarity: number, label: number) => void;

/**
 * Compares photos of a label with each other, label by label, by matrix products of bounded size. Each pair once, the
 * earlier in the list on the left.
 */
export function visitPairsWithin(
  vectors: UnitVectors,
  lists: LabelLists,
  visit: PairVisitor,
  options: PairOptions = {},
): Promise<void> {
  return visitRows(vectors, lists, undefined, visit, options);
}

/** Compares each anchor, on the left, with all others of its label. */
export function visitAnchorsWithin(
  vectors: UnitVectors,
  lists: LabelLists,
  anchors: LabelLists,
  visit: PairVisitor,
  options: PairOptions = {},
): Promise<void> {
  return visitRows(vectors, lists, anchors, visit, options);
}

async function visitRows(
  vectors: UnitVectors,
  lists: LabelLists,
  anchors: LabelLists | undefined,
  visit: PairVisitor,
  { signal, threads }: PairOptions,
): Promise<void> {
  const session = await openSimilaritySession({ dims: vectors.dims, ...(threads !== undefined && { threads }) });
  try {
    for (const label of (anchors ?? lists).labels) {
      const photos = lists.photosOf(label);
      const rows = anchors?.photosOf(label) ?? photos;
      if (photos.length <= FEW) {
        visitFew(vectors, rows, photos, anchors === undefined, (left, right, similarity) =>
          visit(left, right, similarity, label),
        );
        continue;
      }
      for (let first = 0; first < photos.length; first += GALLERY) {
        const others = photos.subarray(first, first + GALLERY);
        const gallery = gather(vectors, others);
        // Of all pairs once, rows behind these columns have none left.
        const end = anchors === undefined ? first + others.length : rows.length;
        for (let from = 0; from < end; from += QUERIES) {
          signal?.throwIfAborted();
          const own = rows.subarray(from, Math.min(from + QUERIES, end));
          const { similarities } = await session.run(
            { vectors: gather(vectors, own), from: 0, until: own.length },
            { vectors: gallery, from: 0, until: others.length },
          );
          for (let row = 0; row < own.length; row++) {
            const start = anchors === undefined ? Math.max(0, from + row + 1 - first) : 0;
            for (let column = start; column < others.length; column++) {
              if (own[row] === others[column]) continue;
              visit(own[row]!, others[column]!, similarities[row * others.length + column]!, label);
            }
          }
          await new Promise((resume) => setImmediate(resume));
        }
      }
    }
  } finally {
    await session.release();
  }
}

function visitFew(
  vectors: UnitVectors,
  rows: Int32Array,
  photos: Int32Array,
  once: boolean,
  visit: (left: number, right: number, similarity: number) => void,
): void {
  for (const [row, left] of rows.entries()) {
    for (let column = once ? row + 1 : 0; column < photos.length; column++) {
      const right = photos[column]!;
      if (left !== right) visit(left, right, similarityOf(vectors, left, right));
    }
  }
}

export function similarityOf({ data, dims }: UnitVectors, left: number, right: number): number {
  let sum = 0;
  for (let at = 0; at < dims; at++) sum += data[left * dims + at]! * data[right * dims + at]!;
  return sum;
}
