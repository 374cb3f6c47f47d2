import type { FigureName, RankingFigures } from "./evaluation.type.js";

/**
 * Ranks, from 1, of the relevant items when the gallery is ordered by similarity, largest first; equal similarities
 * keep the gallery's order. O(N log R): only the relevant items are sorted.
 * @param similarities one a gallery item
 * @param relevant indices into the gallery, ascending
 * @param excluded index of the query itself, which takes no rank; −1 when it is not in the gallery
 */
export function ranksOfRelevant(similarities: Float32Array, relevant: readonly number[], excluded = -1): number[] {
  const ahead = (left: number, right: number): boolean => {
    const difference = similarities[left]! - similarities[right]!;
    return difference > 0 || (difference === 0 && left < right);
  };
  const ordered = [...relevant].sort((left, right) => (ahead(left, right) ? -1 : 1));
  // others[p]: items with p relevant ones ahead of them; the relevant count among themselves by their place.
  const others = new Uint32Array(ordered.length + 1);
  const isRelevant = new Set(relevant);
  for (let item = 0; item < similarities.length; item++) {
    if (item === excluded || isRelevant.has(item)) continue;
    let from = 0;
    let until = ordered.length;
    while (from < until) {
      const middle = (from + until) >> 1;
      if (ahead(ordered[middle]!, item)) from = middle + 1;
      else until = middle;
    }
    others[from]! += 1;
  }
  let before = 0;
  return ordered.map((_, place) => {
    before += others[place]!;
    return before + place + 1;
  });
}

/**
 * What the ranking of one query is worth.
 * - recall@k: 1 when any of the first k is relevant.
 * - precision@k: share of the relevant among the first k (of the whole gallery when it is smaller).
 * - MAP@R: mean over the first R places of the precision there, where the item is relevant (Musgrave et al. 2020).
 * - average precision: mean over all relevant items of the precision at their rank.
 * @param ranks of the relevant items, ascending; not empty
 * @param gallery items that were ranked
 */
export function figuresOf(ranks: readonly number[], gallery: number): RankingFigures {
  const within = (limit: number): number => ranks.filter((rank) => rank <= limit).length;
  const precisions = ranks.map((rank, place) => (place + 1) / rank);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    recallAt1: Number(within(1) > 0),
    recallAt10: Number(within(10) > 0),
    mapAtR: sum(precisions.slice(0, within(ranks.length))) / ranks.length,
    precisionAt1: within(1),
    precisionAt10: within(10) / Math.min(10, gallery),
    meanAveragePrecision: sum(precisions) / ranks.length,
  };
}

/** In the order in which reports show them. */
export const FIGURES = [
  "recallAt1",
  "recallAt10",
  "mapAtR",
  "precisionAt1",
  "precisionAt10",
  "meanAveragePrecision",
] as const satisfies readonly FigureName[];

/** One number a figure. */
export function eachFigure<T>(value: (name: FigureName) => T): Record<FigureName, T> {
  return Object.fromEntries(FIGURES.map((name) => [name, value(name)])) as Record<FigureName, T>;
}

/** Means over the queries; not a number when there are none. */
export function meansOf(figures: readonly RankingFigures[]): RankingFigures {
  return eachFigure((name) => figures.reduce((sum, one) => sum + one[name], 0) / figures.length);
}
