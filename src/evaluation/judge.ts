import { compareResults } from "./comparison.js";
import { NothingToEvaluate } from "./evaluation.errors.js";
import type { Comparison, Evaluation, FigureName, QueryResult } from "./evaluation.type.js";
import type { GateDecision, GatePart, GateRequest, GateVerdict, Judge } from "./judge.type.js";

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
  async function answers(
    modelId: number,
    request: Omit<GateRequest, "learned">,
    signal?: AbortSignal,
  ): Promise<readonly QueryResult[]> {
    try {
      return (await evaluation.measure({ ...request, model: String(modelId) }, signal)).results;
    } catch (error) {
      if (error instanceof NothingToEvaluate) return [];
      throw error;
    }
  }

  return {
    async judge(candidateId, liveId, { learned, ...request }, signal) {
      const candidate = await answers(candidateId, request, signal);
      const live = await answers(liveId, request, signal);
      const comparison = compareResults(candidate, live);
      const verdict = verdictOn(comparison);
      const parts = learned && partsOf(candidate, live, learned);
      return {
        passed: verdict === "BETTER",
        verdict,
        reason: [reasonFor(verdict, comparison), ...(parts ? describeParts(parts) : [])].join(" "),
        labels: request.labels,
        split: request.heldOut === undefined ? request.split : "held-out",
        gallery: request.gallery,
        queries: comparison?.queries ?? 0,
        clusters: comparison?.clusters ?? 0,
        candidate: comparison?.first ?? null,
        live: comparison?.second ?? null,
        differences: comparison?.differences ?? null,
        intervals: comparison?.intervals ?? null,
        ...parts,
        worse: (comparison?.byLabel ?? []).flatMap(({ worse, ...label }) => (worse ? [label] : [])),
      } satisfies GateDecision;
    },
  };
}

interface Parts {
  readonly learned: GatePart | null;
  readonly unlearned: GatePart | null;
}

/** The same comparison over the labels that were learned from, and over the others. */
function partsOf(candidate: readonly QueryResult[], live: readonly QueryResult[], learned: ReadonlySet<string>): Parts {
  const part = (isLearned: boolean): GatePart | null => {
    const own = candidate.filter(({ label }) => learned.has(label) === isLearned);
    const compared = compareResults(own, live);
    if (compared === undefined) return null;
    const { queries, clusters, first, second, differences, intervals } = compared;
    return { queries, clusters, candidate: first, live: second, differences, intervals };
  };
  return { learned: part(true), unlearned: part(false) };
}

function describeParts({ learned, unlearned }: Parts): string[] {
  const about = (part: GatePart | null, which: string): string[] => {
    if (part === null) return [];
    const { candidate: first, live: second, differences, intervals } = part;
    const figures = DECISIVE.map(([name, title]) => describe(name, title, { first, second, differences, intervals }));
    return [`Labels that it ${which}, ${part.queries} queries: ${figures.join("; ")}.`];
  };
  return [...about(learned, "learned from"), ...about(unlearned, "did not learn from")];
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

function describe(
  name: FigureName,
  title: string,
  { first, second, differences, intervals }: Pick<Comparison, "first" | "second" | "differences" | "intervals">,
): string {
  const { low, high } = intervals[name];
  return `${title} ${first[name].toFixed(3)} against ${second[name].toFixed(3)} (${signed(differences[name])}, 95 % of resamples ${signed(low)} to ${signed(high)})`;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}
