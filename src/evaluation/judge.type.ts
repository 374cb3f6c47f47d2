import type { EvaluationRequest, FigureIntervals, LabelComparison, RankingFigures } from "./evaluation.type.js";

export interface GateRequest extends Omit<EvaluationRequest, "model"> {
  /** Labels that the candidate learned from, where it did not learn from all: the others are told apart from them. */
  readonly learned?: ReadonlySet<string>;
}

/** BETTER passes. TOO_FEW_QUERIES: held out is too little to tell an improvement from luck. */
export type GateVerdict = "BETTER" | "NOT_BETTER" | "TOO_FEW_QUERIES";

/** Held-out queries of some of the labels. They inform people and decide nothing. */
export interface GatePart {
  readonly queries: number;
  readonly clusters: number;
  readonly candidate: RankingFigures;
  readonly live: RankingFigures;
  /** Candidate less live, and where 95 % of the resamples lie. */
  readonly differences: RankingFigures;
  readonly intervals: FigureIntervals;
}

/** What a candidate was compared with and why it may answer or not. Plain data, kept with its run as JSON. */
export interface GateDecision {
  readonly passed: boolean;
  readonly verdict: GateVerdict;
  /** One line for people. */
  readonly reason: string;
  readonly labels: string;
  readonly split: string;
  readonly gallery: string;
  /** Held-out queries that both models could answer, and independent ones among them. */
  readonly queries: number;
  readonly clusters: number;
  /** Null when nothing could be compared. */
  readonly candidate: RankingFigures | null;
  readonly live: RankingFigures | null;
  /** Candidate less live, and where 95 % of the resamples lie. */
  readonly differences: RankingFigures | null;
  readonly intervals: FigureIntervals | null;
  /** Where the candidate learned from some of the labels only: those, and the others. Null when nobody asked for them. */
  readonly learned?: GatePart | null;
  readonly unlearned?: GatePart | null;
  /** Labels, or categories, that surely got worse. They do not stop a candidate that is better as a whole. */
  readonly worse: readonly Omit<LabelComparison, "worse">[];
}

export interface Judge {
  /**
   * Whether a candidate may take the live model's place: held-out R@1 and MAP@R must both be better, by more than
   * chance explains (docs/decisions/180). Both models need vectors of every photo.
   * @throws BadUserInput for a request that cannot be measured; not for too few queries, which is a decision
   */
  judge(candidateId: number, liveId: number, request: GateRequest, signal?: AbortSignal): Promise<GateDecision>;
}
