import { countClusters, intervalsOf, type Resampled, resampleMeans } from "./bootstrap.js";
import type { Comparison, LabelComparison, QueryResult, RankingFigures } from "./evaluation.type.js";
import { onShelves } from "./evaluation-report.js";
import { eachFigure, meansOf } from "./ranking-metrics.js";

/** A label is called worse when this share of the resamples says so: with 20 labels, one in 10 comparisons errs. */
const SURE = 0.995;
/** Independent observations below which a label is not judged. */
const LEAST_OF_LABEL = 5;

/** One query as both models answered it. */
interface Pair {
  readonly shelf: string;
  readonly cluster: string;
  readonly first: RankingFigures;
  readonly second: RankingFigures;
  /** First less second. */
  readonly figures: RankingFigures;
}

/**
 * Compares two models query by query: what makes some queries harder than others cancels out, so that the interval of
 * the difference is far narrower than those of the two means. Queries that only one of them could answer are left out.
 * @returns undefined when they have no query in common
 */
export function compareResults(first: readonly QueryResult[], second: readonly QueryResult[]): Comparison | undefined {
  const others = new Map(second.map((result) => [result.item, result]));
  const pairs = first.flatMap((result): Pair[] => {
    const other = others.get(result.item);
    if (other === undefined || other.label !== result.label) return [];
    const figures = eachFigure((name) => result.figures[name] - other.figures[name]);
    return [{ shelf: result.shelf, cluster: result.cluster, first: result.figures, second: other.figures, figures }];
  });
  if (pairs.length === 0) return undefined;
  return { ...comparePairs(pairs, resampleMeans(pairs)), byLabel: onShelves(pairs).map(compareLabel) };
}

function comparePairs(pairs: readonly Pair[], resampled: Resampled): Omit<Comparison, "byLabel"> {
  return {
    queries: pairs.length,
    clusters: countClusters(pairs),
    first: meansOf(pairs.map(({ first }) => first)),
    second: meansOf(pairs.map(({ second }) => second)),
    differences: meansOf(pairs.map(({ figures }) => figures)),
    intervals: intervalsOf(resampled),
  };
}

function compareLabel([label, pairs]: [string, Pair[]]): LabelComparison {
  const resampled = resampleMeans(pairs);
  const compared = comparePairs(pairs, resampled);
  const surelyBelow = (means: Float64Array): boolean => means[Math.floor(means.length * SURE) - 1]! < 0;
  return {
    label,
    ...compared,
    worse: compared.clusters >= LEAST_OF_LABEL && (surelyBelow(resampled.mapAtR) || surelyBelow(resampled.recallAt1)),
  };
}
