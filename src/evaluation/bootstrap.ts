import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { FigureIntervals, Interval, RankingFigures } from "./evaluation.type.js";
import { eachFigure, FIGURES } from "./ranking-metrics.js";

/** What is resampled: figures, or differences of figures, with the observation that they belong to. */
export interface Observed {
  readonly cluster: string;
  readonly figures: RankingFigures;
}

export interface BootstrapOptions {
  readonly seed?: number;
  readonly resamples?: number;
}

const SEED = 1;
const RESAMPLES = 1_000;
const OUTSIDE = 0.05;

/** Means of resamples, ascending, a figure. */
export type Resampled = Readonly<Record<keyof RankingFigures, Float64Array>>;

/**
 * Means over resamples of the queries: as many clusters are drawn with replacement as there are, each with all its
 * queries, because variants and photos of one product succeed and fail together (a cluster bootstrap). The same
 * observations in the same order and the same seed give the same means.
 * @param observed not empty
 */
export function resampleMeans(
  observed: readonly Observed[],
  { seed = SEED, resamples = RESAMPLES }: BootstrapOptions = {},
): Resampled {
  const { rows, count } = sumsByCluster(observed);
  const random = xoroshiro128plus(seed);
  const means = eachFigure(() => new Float64Array(resamples));
  const sums = new Float64Array(ROW);
  for (let resample = 0; resample < resamples; resample++) {
    sums.fill(0);
    for (let draw = 0; draw < count; draw++) {
      // A product instead of rejection sampling: its bias is below count / 2³², its speed four times.
      const from = Math.floor(((random.next() >>> 0) / 2 ** 32) * count) * ROW;
      for (let at = 0; at < ROW; at++) sums[at]! += rows[from + at]!;
    }
    for (const [figure, name] of FIGURES.entries()) means[name][resample] = sums[figure]! / sums[QUERIES]!;
  }
  for (const name of FIGURES) means[name].sort();
  return means;
}

/** Between these lie 95 % of the resamples. */
export function intervalsOf(resampled: Resampled): FigureIntervals {
  return eachFigure((name) => intervalOf(resampled[name]));
}

/** Independent observations. */
export function countClusters(observed: readonly Pick<Observed, "cluster">[]): number {
  return new Set(observed.map(({ cluster }) => cluster)).size;
}

/** Percentiles by the nearest rank. */
function intervalOf(ascending: Float64Array): Interval {
  const last = ascending.length - 1;
  return {
    low: ascending[Math.round(last * (OUTSIDE / 2))]!,
    high: ascending[Math.round(last * (1 - OUTSIDE / 2))]!,
  };
}

/** A row a cluster: sums of its figures, then its queries; eight numbers, which are one line of the cache. */
const ROW = 8;
const QUERIES = FIGURES.length;

function sumsByCluster(observed: readonly Observed[]): { rows: Float64Array; count: number } {
  const places = new Map<string, number>();
  for (const { cluster } of observed) if (!places.has(cluster)) places.set(cluster, places.size);
  const rows = new Float64Array(places.size * ROW);
  for (const { cluster, figures } of observed) {
    const from = places.get(cluster)! * ROW;
    for (const [figure, name] of FIGURES.entries()) rows[from + figure]! += figures[name];
    rows[from + QUERIES]! += 1;
  }
  return { rows, count: places.size };
}
