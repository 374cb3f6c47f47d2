import { mostCandidates } from "./search-sql.js";
import type { Position, SearchWindow, Seed, WindowItem, WindowRequest } from "./vectors.type.js";

/** A seed and the candidates that its scan found, as `windowStatement` gives them. Arrays are null where nothing was. */
export interface WindowRow {
  readonly seed_id: bigint | null;
  readonly sources: string[];
  readonly category_path: string[];
  readonly group_key: string | null;
  readonly query_image_id: bigint | null;
  readonly embedded: boolean;
  readonly broad: boolean;
  readonly active_model_id: number | null;
  readonly ids: bigint[] | null;
  readonly ranks: number[] | null;
  readonly groups?: (string | null)[] | null;
  /** Whether its group was shown by an earlier window. */
  readonly repeated?: boolean[] | null;
  readonly pair_ranks?: (number | null)[] | null;
  readonly image_ids?: (bigint | null)[] | null;
  readonly query_image_ids?: (bigint | null)[] | null;
  /** Several photos of one product, or of the seed, were not compared. */
  readonly several?: boolean | null;
}

interface Candidate {
  readonly at: number;
  readonly productId: bigint;
  /** Of the products' vectors. */
  readonly own: number;
  readonly shown: number;
  /** From 1, among what the window shows. */
  place: number;
}

const LAST_ID = 2n ** 63n - 1n;

/**
 * The window of one seed: of the candidates each group's nearest, ordered by what is compared. Its last position is by
 * the products' own vectors, by which the ranking is cut.
 */
export function arrangeWindow(row: WindowRow, request: WindowRequest): SearchWindow {
  const { candidates, full } = candidatesOf(row, request);
  const last = candidates.at(-1);
  const bound = request.end ?? { rank: Number.POSITIVE_INFINITY, productId: LAST_ID };
  const more = full && last !== undefined && !isAfter(last.own, last.productId, bound);
  const next: Position | undefined = more ? { rank: last.own, productId: last.productId } : request.end;
  const within =
    request.end === undefined ? candidates : candidates.filter(({ own, productId }) => !isAfter(own, productId, bound));
  return {
    seed: seedOf(row),
    scan: row.broad ? "hnsw" : "exact",
    complete: !row.broad || !row.embedded || (full && last !== undefined),
    items: itemsOf(row, within, request),
    ...(next === undefined ? {} : { next }),
  };
}

/**
 * An HNSW scan orders by rank alone. What shares its last rank is left to the next window, which sees all of it.
 */
function candidatesOf(row: WindowRow, request: WindowRequest): { candidates: Candidate[]; full: boolean } {
  const ids = row.ids ?? [];
  const candidates = ids.map((productId, at): Candidate => {
    const own = row.ranks![at]!;
    return { at, productId, own, shown: row.pair_ranks?.[at] ?? own, place: 0 };
  });
  const most = mostCandidates(request);
  if (!row.broad) return { candidates, full: candidates.length === most };
  if (candidates.length <= most) return { candidates: sorted(candidates, "own"), full: false };
  const lastRank = candidates.at(-1)!.own;
  return {
    candidates: sorted(
      candidates.filter(({ own }) => own < lastRank),
      "own",
    ),
    full: true,
  };
}

function itemsOf(row: WindowRow, candidates: readonly Candidate[], request: WindowRequest): WindowItem[] {
  const groups = new Set<string>();
  const most = request.maxDistance === undefined ? Number.POSITIVE_INFINITY : request.maxDistance - 1;
  const shown: Candidate[] = [];
  for (const candidate of candidates) {
    const group = row.groups?.[candidate.at] ?? null;
    if (group !== null) {
      if (groups.has(group)) continue;
      groups.add(group);
      if (row.repeated?.[candidate.at]) continue;
    }
    if (candidate.shown > most) continue;
    candidate.place = shown.length + 1;
    shown.push(candidate);
  }
  if (row.pair_ranks) sorted(shown, "shown");
  const { after } = request;
  const left = after === undefined ? shown : shown.filter((item) => isAfter(item.shown, item.productId, after));
  return left.slice(0, request.limit).map(({ at, productId, shown: rank, place }) => {
    const matched = row.image_ids?.[at];
    const query = row.query_image_ids === undefined ? row.query_image_id : row.query_image_ids?.[at];
    return {
      productId,
      rank,
      place,
      distance: Math.min(2, Math.max(0, 1 + rank)),
      ...(matched == null ? {} : { matchedImageId: matched }),
      ...(matched == null || query == null ? {} : { queryImageId: query }),
    };
  });
}

/** In place. */
function sorted<C extends Candidate>(candidates: C[], by: "own" | "shown"): C[] {
  return candidates.sort((left, right) => left[by] - right[by] || (left.productId < right.productId ? -1 : 1));
}

function isAfter(rank: number, productId: bigint, position: Position): boolean {
  return rank > position.rank || (rank === position.rank && productId > position.productId);
}

function seedOf(row: WindowRow): Seed {
  return {
    ...(row.seed_id === null ? {} : { productId: row.seed_id }),
    sources: row.sources,
    categoryPath: row.category_path,
    ...(row.group_key === null ? {} : { group: row.group_key }),
    embedded: row.embedded,
  };
}
