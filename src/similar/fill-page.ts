import { levelsOf } from "../vectors/category-guard.js";
import type {
  Hidden,
  NeighbourSearch,
  ScoreScale,
  SearchConditions,
  SearchWindow,
  Seeds,
  WindowItem,
} from "../vectors/vectors.type.js";
import type { Cursors, Place, RankingPlace } from "./cursor.js";
import { diversify } from "./diversify.js";
import type { OpenWindow } from "./open-window.js";
import type { SimilarItem, SimilarItemRule, SimilarItemsPage, SimilarItemsRequest } from "./similar-items.type.js";

/** One search whose pages are asked for. */
export interface PageSearch {
  readonly modelId: number;
  /** One product, a picture or a blend. */
  readonly seeds: Seeds;
  /** The products that the items are to be like. */
  readonly asked: readonly bigint[];
  readonly conditions: SearchConditions;
  readonly cursors: Cursors;
  readonly scale: ScoreScale;
  readonly request: SimilarItemsRequest;
  readonly openWindow: OpenWindow;
  readonly search: Pick<NeighbourSearch, "fallback" | "vectorsOf">;
}

/** Items of a window that are asked for when they are put into another order: all of it. */
const WHOLE_WINDOW = 1000;

/** Items that a window has to give for a page: one more than are shown tells whether there is another page. */
export function itemsNeeded({ first, options }: SimilarItemsRequest, filled = 0): number {
  return options?.diversity ? WHOLE_WINDOW : first + 1 - filled;
}

/**
 * Fills a page from the window that was opened at `place`: the rest of that window, the windows after it, the categories
 * around the seed's, then what is popular or new there. Most pages need nothing beyond the opened window.
 */
export async function fillPage(search: PageSearch, place: Place, opened: SearchWindow): Promise<SimilarItemsPage> {
  const { modelId, seeds, asked } = search;
  const items: SimilarItem[] = [];
  const { seed } = opened;
  const page = (hasNextPage: boolean): SimilarItemsPage => ({
    items,
    hasNextPage,
    modelId,
    status: seed.embedded ? "READY" : "PENDING",
    seeds: asked,
  });
  const categories = seeds.by === "blend" ? seeds.categories : seed.categoryPath.length > 0 ? [seed.categoryPath] : [];

  let from: Place = place;
  if (from.phase === "ranking" && seed.embedded) {
    const ranked = await addRanked(search, from, opened, items, outwards(search.conditions, categories));
    if (ranked === "full") return page(true);
  }
  if (from.phase === "ranking") from = { ...commonOf(from), level: 0, phase: "fallback" };
  return page(await addFallback(search, from, categories, items));
}

/** Steps that the ranking goes outwards. */
function outwards(
  { sameCategory, widenCategory }: SearchConditions,
  categories: readonly (readonly string[])[],
): number {
  return sameCategory && widenCategory ? levelsOf(categories) : 1;
}

async function addRanked(
  search: PageSearch,
  place: RankingPlace,
  opened: SearchWindow,
  items: SimilarItem[],
  levels: number,
): Promise<"full" | "exhausted"> {
  const { request, openWindow } = search;
  let at: RankingPlace = place;
  let window = opened;
  for (;;) {
    if (!window.complete) {
      at = { ...at, scan: "exact" };
      window = await openWindow(at, itemsNeeded(request, items.length));
    }
    const arranged = request.options?.diversity ? await diversified(search, window, at) : inOrder(window, at);
    const inWindow = placeInWindow(at, window);
    for (const { item, order } of arranged) {
      if (items.length === request.first) return "full";
      items.push(show(search, inWindow, item, order, place.shown + items.length + 1));
    }
    const offset = 0;
    const next = window.next;
    if (next !== undefined) at = { ...commonOf(at), phase: "ranking", scan: window.scan, start: next, offset };
    else if (at.level + 1 < levels)
      at = { ...commonOf(at), level: at.level + 1, phase: "ranking", scan: "exact", offset };
    else return "exhausted";
    window = await openWindow(at, itemsNeeded(request, items.length), next === undefined ? "auto" : window.scan);
  }
}

/** An item of a window, and how many of the window come before it. */
interface Arranged {
  readonly item: WindowItem;
  readonly order: number;
}

function inOrder({ items }: SearchWindow, { offset }: RankingPlace): Arranged[] {
  return items.map((item, at) => ({ item, order: offset + at }));
}

async function diversified(
  { search, modelId, request }: PageSearch,
  { items }: SearchWindow,
  { offset }: RankingPlace,
): Promise<Arranged[]> {
  const vectors = await search.vectorsOf(
    modelId,
    items.map(({ productId }) => productId),
  );
  const order = diversify(
    items.map(({ rank }) => -rank),
    items.map(({ productId }) => vectors.get(productId)),
    request.options?.diversity ?? 0,
  );
  return order.map((at, place) => ({ item: items[at]!, order: place })).slice(offset);
}

/** What the cursors of a window's items have in common. */
function placeInWindow(at: RankingPlace, { scan, next }: SearchWindow): RankingPlace {
  return {
    ...commonOf(at),
    phase: "ranking",
    scan,
    offset: 0,
    ...(at.start === undefined ? {} : { start: at.start }),
    ...(next === undefined ? {} : { end: next }),
  };
}

function show(
  { cursors, scale, request, conditions }: PageSearch,
  inWindow: RankingPlace,
  { productId, distance, rank: shownRank, place, matchedImageId, queryImageId }: WindowItem,
  order: number,
  rank: number,
): SimilarItem {
  // In another order than the distance's there is no "after this one"; counting has to do.
  const after = request.options?.diversity ? undefined : { rank: shownRank, productId };
  return {
    productId,
    cursor: cursors.encodeItem(inWindow, rank, order + 1, after),
    score: scale.toScore(distance),
    distance,
    reason: "VISUAL",
    rank,
    rankBeforeReranking: rank - order - 1 + place,
    rule: ruleOf(conditions, inWindow.level),
    ...(matchedImageId === undefined ? {} : { matchedImageId }),
    ...(queryImageId === undefined ? {} : { queryImageId }),
  };
}

function ruleOf({ sameCategory }: SearchConditions, level: number): SimilarItemRule {
  if (!sameCategory) return "ANY_CATEGORY";
  return level === 0 ? "SAME_CATEGORY" : "PARENT_CATEGORY";
}

/** @returns whether there are more */
async function addFallback(
  { search, cursors, modelId, seeds, conditions, request }: PageSearch,
  place: Place,
  categories: readonly (readonly string[])[],
  items: SimilarItem[],
): Promise<boolean> {
  if (request.options?.fallback === "NONE") return false;
  // A picture has no category of its own.
  const placed = seeds.by === "product" || seeds.by === "external" || categories.length > 0;
  if (!placed && !request.filter?.categories?.length) return false;
  const levels = conditions.widenCategory ? levelsOf(categories) : 1;
  let after = place.phase === "fallback" ? place.after : undefined;
  for (let { level } = place; level < levels; level++) {
    const found = await search.fallback({
      ...conditions,
      ...hiddenOf(request),
      ...{ modelId, seeds, categories, level },
      ...(after === undefined ? {} : { after }),
      limit: request.first + 1 - items.length,
    });
    for (const product of found) {
      if (items.length === request.first) return true;
      const shown = place.shown + items.length + 1;
      items.push({
        productId: product.productId,
        cursor: cursors.encode({ ...commonOf(place), phase: "fallback", level, shown, after: product }),
        score: 0,
        distance: 2,
        reason: "FALLBACK",
        rank: shown,
        rankBeforeReranking: shown,
        rule: product.score === undefined ? "NEWEST" : "POPULAR",
      });
    }
    after = undefined;
  }
  return false;
}

function commonOf({
  modelId,
  level,
  shown,
  maxDistance,
}: Place): Pick<Place, "modelId" | "level" | "shown" | "maxDistance"> {
  return { modelId, level, shown, ...(maxDistance === undefined ? {} : { maxDistance }) };
}

export function hiddenOf({ hidden }: SimilarItemsRequest): { hidden?: Hidden } {
  return hidden === undefined ? {} : { hidden };
}
