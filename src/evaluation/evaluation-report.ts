import { intervalsOf, resampleMeans } from "./bootstrap.js";
import type { EvaluationReport, LabelFigures, Measurement, QueryResult } from "./evaluation.type.js";
import { meansOf } from "./ranking-metrics.js";

/** A measurement as it is shown: means, their intervals, and the same by label. */
export function reportOf({ model, request, results, ...measured }: Measurement): EvaluationReport {
  return {
    model: model.name,
    labels: request.labels,
    split: request.heldOut === undefined ? request.split : "held-out",
    queries: results.length,
    queriesWithoutRelevant: measured.queriesWithoutRelevant,
    gallery: measured.gallery,
    ...meansOf(results.map(({ figures }) => figures)),
    seconds: measured.seconds,
    intervals: intervalsOf(resampleMeans(results)),
    byLabel: onShelves(results).map(([label, own]) => figuresOfLabel(label, own)),
  };
}

/** Groups by shelf; most queries first, then by name. */
export function onShelves<Result extends Pick<QueryResult, "shelf">>(results: readonly Result[]): [string, Result[]][] {
  const shelves = new Map<string, Result[]>();
  for (const result of results) {
    const known = shelves.get(result.shelf);
    if (known === undefined) shelves.set(result.shelf, [result]);
    else known.push(result);
  }
  return [...shelves].sort(
    ([leftName, left], [rightName, right]) => right.length - left.length || (leftName < rightName ? -1 : 1),
  );
}

function figuresOfLabel(label: string, results: readonly QueryResult[]): LabelFigures {
  return {
    label,
    queries: results.length,
    ...meansOf(results.map(({ figures }) => figures)),
    intervals: intervalsOf(resampleMeans(results)),
  };
}
