import type { Hidden, NeighbourSearch, SearchConditions, SearchWindow, Seeds } from "../vectors/vectors.type.js";
import { type Cursors, type Place } from "./cursor.js";
import type { SimilarItem, SimilarItemsPage, SimilarItemsRequest } from "./similar-items.type.js";

/** One search whose pages are asked for. */
export interface PageSearch {
  readonly modelId: number;
  readonly seeds: Seeds;
  readonly conditions: SearchConditions;
  readonly cursors: Cursors;
  readonly request: SimilarItemsRequest;
  readonly windows: NeighbourSearch;
}

/**
 * Fills a page from the window that was opened at `place`: the rest of that window, the windows after it, then the
 * newest of the category. Most pages need nothing beyond the opened window.
 */
export async function fillPage(search: PageSearch, place: Place, opened: SearchWindow): Promise<SimilarItemsPage> {
  const { cursors, modelId, request } = search;
  const items: SimilarItem[] = [];
  const status = opened.seed.embedded ? "READY" : "PENDING";
  const done = (hasNextPage: boolean): SimilarItemsPage => ({ items, hasNextPage, modelId, status });

  if (place.phase === "ranking") {
    let { start, offset } = place;
    let window = opened;
    for (;;) {
      if (!window.complete) window = await nextWindow(search, { start, offset, scan: "exact" }, items.length);
      for (const [at, item] of window.items.entries()) {
        if (items.length === request.first) return done(true);
        const after: Place = {
          modelId,
          phase: "ranking",
          scan: window.scan,
          offset: offset + at + 1,
          ...(start === undefined ? {} : { start }),
        };
        items.push({
          ...item,
          cursor: cursors.encode(after),
          score: 1 - item.distance / 2,
          reason: "VISUAL",
        });
      }
      if (window.next === undefined) break;
      start = window.next;
      offset = 0;
      window = await nextWindow(search, { start, offset, scan: window.scan }, items.length);
    }
  }
  const newest = await newestOfCategory(search, place, opened, items.length);
  for (const productId of newest) {
    if (items.length === request.first) return done(true);
    const cursor = cursors.encode({ modelId, phase: "newest", after: productId });
    items.push({ productId, cursor, score: 0, distance: 2, reason: "FALLBACK" });
  }
  return done(false);
}

async function nextWindow(
  { windows, conditions, modelId, seeds, request }: PageSearch,
  { start, ...place }: { start: SearchWindow["next"]; offset: number; scan: "exact" | "hnsw" },
  filled: number,
): Promise<SearchWindow> {
  const found = await windows.windows({
    ...conditions,
    ...place,
    ...(start === undefined ? {} : { start }),
    ...hiddenOf(request),
    modelId,
    seeds,
    limit: request.first + 1 - filled,
  });
  // A product that was deleted meanwhile has no window: the page ends here.
  return found.windows[0] ?? EMPTY;
}

const EMPTY: SearchWindow = {
  seed: { sources: [], categoryPath: [], embedded: false },
  scan: "exact",
  complete: true,
  items: [],
};

async function newestOfCategory(
  { windows, conditions, modelId, seeds, request }: PageSearch,
  place: Place,
  { seed }: SearchWindow,
  filled: number,
): Promise<bigint[]> {
  if (request.options?.fallback === "NONE") return [];
  // A picture has no category of its own.
  if (seeds.by === "picture" && !request.filter?.categories?.length) return [];
  return windows.newest({
    ...conditions,
    ...hiddenOf(request),
    modelId,
    seed,
    ...(seeds.by === "picture" ? { picture: seeds.vector } : {}),
    ...(place.phase === "newest" && place.after !== undefined ? { after: place.after } : {}),
    limit: request.first + 1 - filled,
  });
}

export function hiddenOf({ hidden }: SimilarItemsRequest): { hidden?: Hidden } {
  return hidden === undefined ? {} : { hidden };
}
