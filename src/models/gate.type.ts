/**
 * What was compared and decided before a candidate may answer. The evaluation stage says more in its own type; all of it
 * is kept with the run and shown to people.
 */
export interface Gate {
  readonly passed: boolean;
  /** One line for people. */
  readonly reason: string;
}

/**
 * Compares a candidate with the live model on what the candidate's run has not learned from.
 * @param runId the run that made the candidate
 * @param request what the run was asked for, as it is stored
 */
export type JudgeCandidate = (
  candidate: { readonly modelId: number; readonly runId: string; readonly request: unknown },
  liveId: number,
  signal: AbortSignal,
) => Promise<Gate>;
