import { compareResults } from "./comparison.js";
import { NothingToEvaluate } from "./evaluation.errors.js";
import type { Comparison, Evaluation, FigureName, QueryResult } from "./evaluation.type.js";
import type { GateDecision, GateRequest, GateVerdict, Judge } from "./judge.type.js";

export interface JudgeDependencies {
  readonly evaluation: Pick<Evaluation, "measure">;
}

/** Independent held-out queries below which a difference is called luck. */
export const LEAST_QUERIES = 30;

/** What must both improve, as people call it. */
const DECISIVE = [
  ["recallAt1", "R@1"],
  ["mapAtR", "MAP@R"],
] as const satisfies readonly (readonly [FigureName, string])[];

/** The gate before a promotion; see `Judge`. */
export function createJudge({ evaluation }: JudgeDependencies): Judge {
  /** Nothing to ask about is no error here: it is too little to tell. */
  async function answers(modelId: number, request: GateRequest, signal?: AbortSignal): Promise<readonly QueryResult[]> {
    try {
      return (await evaluation.measure({ ...request, model: String(modelId) }, signal)).results;
    } catch (error) {
      if (error instanceof NothingToEvaluate) return [];
      throw error;
    }
  }

  return {
    async judge(candidateId, liveId, request, signal) {
      const candidate = await answers(candidateId, request, signal);
      const live = await answers(liveId, request, signal);
      const comparison = compareResults(candidate, live);
      const verdict = verdictOn(comparison);
      return {
        passed: verdict === "BETTER",
        verdict,
        reason: reasonFor(verdict, comparison),
        labels: request.labels,
        split: request.heldOut === undefined ? request.split : "held-out",
        gallery: request.gallery,
        queries: comparison?.queries ?? 0,
        clusters: comparison?.clusters ?? 0,
        candidate: comparison?.first ?? null,
        live: comparison?.second ?? null,
        differences: comparison?.differences ?? null,
        intervals: comparison?.intervals ?? null,
        worse: (comparison?.byLabel ?? []).flatMap(({ worse, ...label }) => (worse ? [label] : [])),
      } satisfies GateDecision;
    },
  };
}

function verdictOn(comparison: Comparison | undefined): GateVerdict {
  if (comparison === undefined || comparison.clusters < LEAST_QUERIES) return "TOO_FEW_QUERIES";
  return DECISIVE.every(([name]) => comparison.intervals[name].low > 0) ? "BETTER" : "NOT_BETTER";
}

function reasonFor(verdict: GateVerdict, comparison: Comparison | undefined): string {
  if (comparison === undefined) {
    return "No held-out product could be asked about with both models. Import products with split test, or more products.";
  }
  if (verdict === "TOO_FEW_QUERIES") {
    return `Only ${comparison.clusters} independent held-out products could be asked about, and ${LEAST_QUERIES} are needed to tell an improvement from luck. Import more products, or promote it by hand with force.`;
  }
  const figures = DECISIVE.map(([name, title]) => describe(name, title, comparison));
  const worse = comparison.byLabel.filter((label) => label.worse).length;
  const but = worse === 0 ? "" : ` Worse in ${worse} of ${comparison.byLabel.length} labels.`;
  if (verdict === "BETTER") return `Better on ${comparison.queries} held-out queries: ${figures.join("; ")}.${but}`;
  const failed = DECISIVE.filter(([name]) => comparison.intervals[name].low <= 0).map(([, title]) => title);
  return `Not surely better by ${failed.join(" and ")} on ${comparison.queries} held-out queries: ${figures.join("; ")}.${but}`;
}

function describe(name: FigureName, title: string, { first, second, differences, intervals }: Comparison): string {
  const { low, high } = intervals[name];
  return `${title} ${first[name].toFixed(3)} against ${second[name].toFixed(3)} (${signed(differences[name])}, 95 % of resamples ${signed(low)} to ${signed(high)})`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
