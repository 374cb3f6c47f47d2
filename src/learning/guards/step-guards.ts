/** Mean cosine distance within a batch below which all photos look the same to the model. */
const COLLAPSED = 0.02;
/** Steps in a row before a guard believes it. */
const PATIENCE = 4;
const MOST_DIVERGENCES = 3;
const MOST_RESTORES = 3;

/** What the guards remember between steps. JSON. */
export interface StepGuardState {
  /** What the schedule's rate is multiplied by. */
  readonly rateShare: number;
  readonly divergences: number;
  readonly collapsing: number;
  readonly restores: number;
}

export const freshGuards: StepGuardState = { rateShare: 1, divergences: 0, collapsing: 0, restores: 0 };

/** go-on; slower: lower rate; restore: back to the last good weights at a lower rate; give-up: nothing helps. */
export type GuardVerdict = "go-on" | "slower" | "restore" | "give-up";

export interface GuardDecision {
  readonly state: StepGuardState;
  readonly verdict: GuardVerdict;
}

/** After a step whose loss or gradient was not a number. The weights were not touched by it. */
export function afterDivergence(state: StepGuardState): GuardDecision {
  const divergences = state.divergences + 1;
  if (divergences < MOST_DIVERGENCES) {
    return { verdict: "slower", state: { ...state, divergences, rateShare: state.rateShare / 2 } };
  }
  return restored(state);
}

/** After a step that went well, by how far apart its embeddings lay. */
export function afterStep(state: StepGuardState, spread: number): GuardDecision {
  const collapsing = spread < COLLAPSED ? state.collapsing + 1 : 0;
  if (collapsing < PATIENCE) return { verdict: "go-on", state: { ...state, divergences: 0, collapsing } };
  return restored(state);
}

function restored(state: StepGuardState): GuardDecision {
  const restores = state.restores + 1;
  const verdict = restores > MOST_RESTORES ? "give-up" : "restore";
  return { verdict, state: { rateShare: state.rateShare * 0.3, divergences: 0, collapsing: 0, restores } };
}

/** Mean cosine distance of all pairs of unit vectors: 1 − ‖mean‖², pairs of a vector with itself left out. */
export function spreadOf(embeddings: Float32Array, dims: number): number {
  const count = embeddings.length / dims;
  const sum = new Float64Array(dims);
  for (let at = 0; at < embeddings.length; at++) sum[at % dims]! += embeddings[at]!;
  const square = sum.reduce((total, value) => total + value * value, 0);
  return 1 - (square - count) / (count * (count - 1));
}
