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

/** Similarity of two photos of one label, each pair once, the earlier place in the list first. */
export type PairVisitor = (left: number, right: number, similarity: number, label: number) => void;

/** Compares all photos of a label with each other, label by label, by matrix products of bounded size. */
export async function visitPairsWithin(
  vectors: UnitVectors,
  lists: LabelLists,
  visit: PairVisitor,
  { signal, threads }: PairOptions = {},
): Promise<void> {
  const session = await openSimilaritySession({ dims: vectors.dims, ...(threads !== undefined && { threads }) });
  try {
    for (const label of lists.labels) {
      const photos = lists.photosOf(label);
      if (photos.length <= FEW) {
        visitFew(vectors, photos, (left, right, similarity) => visit(left, right, similarity, label));
        continue;
      }
      for (let first = 0; first < photos.length; first += GALLERY) {
        const others = photos.subarray(first, first + GALLERY);
        const gallery = gather(vectors, others);
        for (let from = 0; from < first + others.length; from += QUERIES) {
          signal?.throwIfAborted();
          const own = photos.subarray(from, Math.min(from + QUERIES, first + others.length));
          const { similarities } = await session.run(
            { vectors: gather(vectors, own), from: 0, until: own.length },
            { vectors: gallery, from: 0, until: others.length },
          );
          for (let row = 0; row < own.length; row++) {
            for (let column = Math.max(0, from + row + 1 - first); column < others.length; column++) {
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
  photos: Int32Array,
  visit: (left: number, right: number, similarity: number) => void,
): void {
  for (let row = 0; row < photos.length; row++) {
    for (let column = row + 1; column < photos.length; column++) {
      visit(photos[row]!, photos[column]!, similarityOf(vectors, photos[row]!, photos[column]!));
    }
  }
}

export function similarityOf({ data, dims }: UnitVectors, left: number, right: number): number {
  let sum = 0;
  for (let at = 0; at < dims; at++) sum += data[left * dims + at]! * data[right * dims + at]!;
  return sum;
}
