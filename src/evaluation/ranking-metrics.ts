/** Sums over queries of what one ranking is worth. */
export interface RankingTotals {
  queries: number;
  recallAt1: number;
  recallAt10: number;
  precisionAt1: number;
  precisionAt10: number;
  mapAtR: number;
  meanAveragePrecision: number;
}

export const emptyTotals = (): RankingTotals => ({
  queries: 0,
  recallAt1: 0,
  recallAt10: 0,
  precisionAt1: 0,
  precisionAt10: 0,
  mapAtR: 0,
  meanAveragePrecision: 0,
});

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
 * Adds one query.
 * - recall@k: 1 when any of the first k is relevant.
 * - precision@k: share of the relevant among the first k (of the whole gallery when it is smaller).
 * - MAP@R: mean over the first R places of the precision there, where the item is relevant (Musgrave et al. 2020).
 * - average precision: mean over all relevant items of the precision at their rank.
 * @param ranks of the relevant items, ascending; not empty
 * @param gallery items that were ranked
 */
export function addQuery(totals: RankingTotals, ranks: readonly number[], gallery: number): void {
  const within = (limit: number): number => ranks.filter((rank) => rank <= limit).length;
  const precisions = ranks.map((rank, place) => (place + 1) / rank);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  totals.queries += 1;
  totals.recallAt1 += Number(within(1) > 0);
  totals.recallAt10 += Number(within(10) > 0);
  totals.precisionAt1 += within(1);
  totals.precisionAt10 += within(10) / Math.min(10, gallery);
  totals.mapAtR += sum(precisions.slice(0, within(ranks.length))) / ranks.length;
  totals.meanAveragePrecision += sum(precisions) / ranks.length;
}

/** Means over the queries. */
export function meansOf(totals: RankingTotals): Omit<RankingTotals, "queries"> {
  const mean = (value: number): number => value / totals.queries;
  return {
    recallAt1: mean(totals.recallAt1),
    recallAt10: mean(totals.recallAt10),
    mapAtR: mean(totals.mapAtR),
    precisionAt1: mean(totals.precisionAt1),
    precisionAt10: mean(totals.precisionAt10),
    meanAveragePrecision: mean(totals.meanAveragePrecision),
  };
}
