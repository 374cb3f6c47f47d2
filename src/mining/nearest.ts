import type { UnitVectors } from "./mining.type.js";
import { LEFT_OUT, openSimilaritySession } from "./similarity-session.js";

/** Rows of queries and of the gallery that meet at once: 16 MiB of similarities, some 0.1 s of arithmetic. */
const QUERIES = 256;
const GALLERY = 16_384;

export interface NearestOptions {
  /** Queries and gallery are the same vectors, and none is its own neighbour. */
  readonly excludeSame?: boolean;
  readonly signal?: AbortSignal;
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
}

export interface RankingOptions extends NearestOptions {
  /** A query never meets gallery items of its own group, nor those of a group below 0. */
  readonly groups?: { readonly queries: Int32Array; readonly gallery: Int32Array };
  /** Only neighbours whose similarity is below this. `[queries]` */
  readonly below?: Float32Array;
  /** Only these queries, in this order. */
  readonly places?: Int32Array;
}

/** Neighbours of each query, nearest first: `[queries, k]`. Where there are fewer than k: place −1, similarity −2. */
export interface Neighbours {
  readonly k: number;
  readonly places: Int32Array;
  readonly similarities: Float32Array;
}

/**
 * The k nearest of a gallery for every query, exactly, by blocks, so that memory does not grow with the gallery.
 * Among equals the earlier place comes first.
 */
export async function nearest(
  queries: UnitVectors,
  gallery: UnitVectors,
  k: number,
  { excludeSame = false, ...options }: NearestOptions = {},
): Promise<Neighbours> {
  if (!excludeSame) return rank(queries, gallery, k, options);
  // One more and itself taken out: a mask over all pairs costs half as much again.
  return withoutSelf(await rank(queries, gallery, k + 1, options));
}

/** Of equals that come before it, a photo may be missing from its own list; then the last entry goes. */
function withoutSelf({ k, places, similarities }: Neighbours): Neighbours {
  const count = places.length / k;
  const kept = { k: k - 1, places: new Int32Array(count * (k - 1)), similarities: new Float32Array(count * (k - 1)) };
  for (let query = 0; query < count; query++) {
    const from = query * k;
    const self = places.subarray(from, from + k).indexOf(query);
    for (let at = 0, entry = 0; at < k - 1; at++, entry++) {
      if (entry === self) entry += 1;
      kept.places[query * (k - 1) + at] = places[from + entry]!;
      kept.similarities[query * (k - 1) + at] = similarities[from + entry]!;
    }
  }
  return kept;
}

/** `nearest` with conditions on who may meet whom. */
export async function rank(
  queries: UnitVectors,
  gallery: UnitVectors,
  k: number,
  { groups, below, places: chosen, signal, threads }: RankingOptions = {},
): Promise<Neighbours> {
  const count = chosen?.length ?? queries.count;
  const places = new Int32Array(count * k).fill(-1);
  const similarities = new Float32Array(count * k).fill(LEFT_OUT);
  const found = Math.min(k, gallery.count);
  if (count === 0 || found === 0) return { k, places, similarities };
  const session = await openSimilaritySession({
    dims: gallery.dims,
    k: found,
    grouped: groups !== undefined,
    limited: below !== undefined,
    ...(threads !== undefined && { threads }),
  });
  try {
    const blocks = Math.ceil(gallery.count / Math.max(GALLERY, 2 * found));
    for (let from = 0; from < count; from += QUERIES) {
      const until = Math.min(count, from + QUERIES);
      const block = rowsOf(queries, from, until, chosen);
      for (let at = 0; at < blocks; at++) {
        signal?.throwIfAborted();
        // Of equal size, so that each holds k.
        const first = Math.floor((at * gallery.count) / blocks);
        const end = Math.floor(((at + 1) * gallery.count) / blocks);
        const result = await session.run(
          block.rows,
          { vectors: gallery, from: first, until: end },
          {
            ...(groups && {
              groups: { queries: block.of(groups.queries), gallery: groups.gallery.subarray(first, end) },
            }),
            ...(below && { below: block.of(below) }),
          },
        );
        merge(result.similarities, result.places!, first, { k, found, from, until, places, similarities });
        // A run holds the event loop; let a signal and other work in between.
        await new Promise((resume) => setImmediate(resume));
      }
    }
    return { k, places, similarities };
  } finally {
    await session.release();
  }
}

function rowsOf(queries: UnitVectors, from: number, until: number, chosen: Int32Array | undefined) {
  if (chosen === undefined) {
    return {
      rows: { vectors: queries, from, until },
      of: <Values extends Int32Array | Float32Array>(values: Values) => values.subarray(from, until) as Values,
    };
  }
  const picked = chosen.subarray(from, until);
  return {
    rows: { vectors: gather(queries, picked), from: 0, until: picked.length },
    of: <Values extends Int32Array | Float32Array>(values: Values) => {
      const own = values.slice(0, picked.length) as Values;
      for (const [at, place] of picked.entries()) own[at] = values[place]!;
      return own;
    },
  };
}

/** Copies of some rows. */
export function gather({ data, dims }: UnitVectors, places: Int32Array): UnitVectors {
  const rows = new Float32Array(places.length * dims);
  for (const [row, place] of places.entries()) rows.set(data.subarray(place * dims, (place + 1) * dims), row * dims);
  return { data: rows, count: places.length, dims };
}

interface Merging {
  readonly k: number;
  readonly found: number;
  readonly from: number;
  readonly until: number;
  readonly places: Int32Array;
  readonly similarities: Float32Array;
}

/** Merges the sorted neighbours of one block of the gallery into those of the blocks before. */
function merge(newer: Float32Array, newerPlaces: BigInt64Array, first: number, into: Merging): void {
  const { k, found, from, until, places, similarities } = into;
  for (let query = from; query < until; query++) {
    const own = query * k;
    const theirs = (query - from) * found;
    // Both are sorted: how many of each belong to the first k, then written from the back, in place.
    let older = 0;
    let taken = 0;
    while (older + taken < k) {
      const value = taken < found ? newer[theirs + taken]! : LEFT_OUT;
      if (similarities[own + older]! >= value) older += 1;
      else taken += 1;
    }
    for (let at = k - 1; taken > 0; at--) {
      if (older > 0 && similarities[own + older - 1]! < newer[theirs + taken - 1]!) {
        older -= 1;
        similarities[own + at] = similarities[own + older]!;
        places[own + at] = places[own + older]!;
      } else {
        taken -= 1;
        similarities[own + at] = newer[theirs + taken]!;
        places[own + at] = first + Number(newerPlaces[theirs + taken]!);
      }
    }
  }
}
