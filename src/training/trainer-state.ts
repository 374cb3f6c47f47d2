import type { FeatureStatistics } from "./heads/index.js";
import type { Optimiser, OptimiserSpecification } from "./optimisers/index.js";
import type { ParameterSpace } from "./parameters.js";
import type { TrainerState } from "./trainer.type.js";
import { StateMismatch, TrainingUnfit, WeightsNotFinite } from "./training.errors.js";

interface LiveState {
  readonly steps: number;
  readonly space: ParameterSpace;
  readonly weights: Float32Array;
  readonly average: Float32Array | undefined;
  readonly optimiser: Optimiser;
  readonly name: OptimiserSpecification["name"];
  readonly statistics: FeatureStatistics | undefined;
}

/** A state that later steps do not change. */
export function copyOfState({ steps, space, weights, average, optimiser, name, statistics }: LiveState): TrainerState {
  const memory = optimiser.memory();
  return {
    format: 1,
    steps,
    parameters: space.parameters.map((parameter) => ({ name: parameter.name, shape: [...parameter.shape] })),
    weights: weights.slice(),
    average: average ? average.slice() : null,
    optimiser: {
      name,
      steps: memory.steps,
      arrays: Object.fromEntries(Object.entries(memory.arrays).map(([key, array]) => [key, array.slice()])),
    },
    statistics: statistics ? { mean: statistics.mean.slice(), deviation: statistics.deviation.slice() } : null,
  };
}

interface Training {
  readonly space: ParameterSpace;
  readonly width: number;
  readonly optimiser: OptimiserSpecification["name"];
  readonly averages: boolean;
}

/** @throws StateMismatch */
export function checkState(state: TrainerState, { space, width, optimiser, averages }: Training): void {
  if (state.format !== 1) throw new StateMismatch(`its format is ${state.format}, this program reads 1`);
  if (state.optimiser.name !== optimiser) {
    throw new StateMismatch(`its optimiser is ${state.optimiser.name}, this one ${optimiser}`);
  }
  if (averages && state.average === null) throw new StateMismatch("it holds no average of the weights");
  const describe = ({ name, shape }: { readonly name: string; readonly shape: readonly number[] }) =>
    `${name} [${shape.join(", ")}]`;
  const saved = state.parameters.map(describe);
  const here = space.parameters.map(describe);
  const at = here.findIndex((parameter, index) => saved[index] !== parameter);
  if (at >= 0 || saved.length !== here.length) {
    const index = at >= 0 ? at : here.length;
    throw new StateMismatch(
      `its weight ${index} is ${saved[index] ?? "missing"}, here ${here[index] ?? "none"} stands`,
    );
  }
  for (const array of [state.weights, state.average]) {
    if (array === null) continue;
    if (array.length !== space.length) throw new StateMismatch(`it holds ${array.length} numbers, not ${space.length}`);
    if (!array.every(Number.isFinite)) throw new StateMismatch("it holds weights that are infinite or no numbers");
  }
  if (!Number.isInteger(state.steps) || state.steps < 0) throw new StateMismatch(`it was saved at step ${state.steps}`);
  const { mean, deviation } = state.statistics ?? {};
  if ((mean?.length ?? width) !== width || (deviation?.length ?? width) !== width) {
    throw new StateMismatch(`it standardises ${mean?.length} features, not ${width}`);
  }
}

/** @throws StateMismatch, with the optimiser left as it was */
export function restoreOptimiser(optimiser: Optimiser, state: TrainerState): void {
  try {
    optimiser.restore(state.optimiser);
  } catch (error) {
    throw error instanceof RangeError ? new StateMismatch(error.message) : error;
  }
}

/** Refuses weights that are not in training. @throws TrainingUnfit, WeightsNotFinite */
export function checkWeights(weights: ReadonlyMap<string, Float32Array>, { parameters }: ParameterSpace): void {
  for (const [name, values] of weights) {
    const { length } = values;
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) throw new WeightsNotFinite(name, odd);
    if (parameters.some((known) => known.name === name && known.to - known.from === length)) continue;
    throw new TrainingUnfit(
      `No weight "${name}" of ${length} numbers is in training. Load only weights of the same head and cut.`,
    );
  }
}
