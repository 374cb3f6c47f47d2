import { BadUserInput } from "../errors.js";
import {
  type Comparison,
  compareResults,
  type EvaluationReport,
  type EvaluationRequest,
  reportOf,
} from "../evaluation/index.js";
import { FIGURES } from "../evaluation/ranking-metrics.js";
import { formatTable, say, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

export interface EvaluateOptions extends CommonOptions, Omit<EvaluationRequest, "heldOut" | "onlyLabels"> {
  readonly labelsOnly?: readonly string[];
  readonly byLabel?: boolean;
  readonly against?: string;
}

/** Prints how well the products of one label find each other with a model's vectors, or with two models'. */
export async function showEvaluation(options: EvaluateOptions): Promise<void> {
  await withCore(options, async (core) => {
    const { model, labels, split, gallery, labelsOnly, excludeLabels, against } = options;
    const request: EvaluationRequest = {
      ...{ model, labels, split, gallery },
      ...(labelsOnly === undefined ? {} : { onlyLabels: labelsOnly }),
      ...(excludeLabels === undefined ? {} : { excludeLabels }),
    };
    const measured = await core.evaluation.measure(request);
    const report = reportOf(measured);
    const other = against === undefined ? undefined : await core.evaluation.measure({ ...request, model: against });
    const comparison = other && compareResults(measured.results, other.results);
    if (other && comparison === undefined) {
      throw new BadUserInput(`${report.model} and ${other.model.name} have no product in common to ask about.`, [
        "against",
      ]);
    }
    if (report.queriesWithoutRelevant > 0) {
      say(`${report.queriesWithoutRelevant} products were left out: no other has their label.`);
    }
    const compared = other && comparison && { name: other.model.name, comparison };
    writeAnswer(toJson(report, compared, options.byLabel), options.json, () => [
      ...aboutLines(report),
      "",
      ...(compared === undefined ? figureLines(report) : comparisonLines(compared)),
      ...(options.byLabel ? ["", ...labelLines(report, compared)] : []),
    ]);
  });
}

interface Compared {
  readonly name: string;
  readonly comparison: Comparison;
}

/** The figures first, under the names that scripts read; what is more comes after them. */
function toJson(report: EvaluationReport, compared: Compared | undefined, byLabel: boolean | undefined): unknown {
  const { queriesWithoutRelevant: _, seconds, intervals, byLabel: labels, ...figures } = report;
  if (compared === undefined) return { ...figures, seconds, intervals, ...(byLabel ? { byLabel: labels } : {}) };
  const { first, second, byLabel: comparedLabels, ...rest } = compared.comparison;
  return {
    ...figures,
    seconds,
    intervals,
    ...(byLabel ? { byLabel: labels } : {}),
    against: {
      model: compared.name,
      queries: rest.queries,
      independentQueries: rest.clusters,
      ...second,
      differences: rest.differences,
      differenceIntervals: rest.intervals,
      ...(byLabel ? { byLabel: comparedLabels } : {}),
      worse: comparedLabels.filter(({ worse }) => worse).map(({ label }) => label),
    },
  };
}

function aboutLines({ model, labels, split, queries, gallery, seconds }: EvaluationReport): string[] {
  return [
    `Model ${model}, labels ${labels}, split ${split}: ${queries} queries in a gallery of ${gallery}, ${seconds.toFixed(1)} s.`,
  ];
}

function figureLines(report: EvaluationReport): string[] {
  return formatTable(
    ["measure", "value", "95 % of resamples"],
    FIGURES.map((name) => {
      const { low, high } = report.intervals[name];
      return [name, report[name].toFixed(3), `${low.toFixed(3)} to ${high.toFixed(3)}`];
    }),
  );
}

function comparisonLines({ name: other, comparison }: Compared): string[] {
  return formatTable(
    ["measure", "value", other, "difference", "95 % of resamples"],
    FIGURES.map((name) => {
      const { low, high } = comparison.intervals[name];
      return [
        name,
        comparison.first[name].toFixed(3),
        comparison.second[name].toFixed(3),
        signed(comparison.differences[name]),
        `${signed(low)} to ${signed(high)}`,
      ];
    }),
  );
}

function labelLines(report: EvaluationReport, compared: Compared | undefined): string[] {
  if (compared === undefined) {
    return formatTable(
      ["label", "queries", "R@1", "95 %", "MAP@R", "95 %"],
      report.byLabel.map(({ label, queries, recallAt1, mapAtR, intervals }) => [
        ...[label, queries, recallAt1.toFixed(3), between(intervals.recallAt1)],
        ...[mapAtR.toFixed(3), between(intervals.mapAtR)],
      ]),
    );
  }
  return formatTable(
    ["label", "queries", "R@1", "difference", "MAP@R", "difference", "95 %", ""],
    compared.comparison.byLabel.map(({ label, queries, first, differences, intervals, worse }) => [
      ...[label, queries, first.recallAt1.toFixed(3), signed(differences.recallAt1)],
      ...[first.mapAtR.toFixed(3), signed(differences.mapAtR), between(intervals.mapAtR, signed), worse ? "worse" : ""],
    ]),
  );
}

function between(
  { low, high }: { low: number; high: number },
  format: (value: number) => string = (value) => value.toFixed(3),
): string {
  return `${format(low)} to ${format(high)}`;
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;
}
