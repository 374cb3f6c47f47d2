import type { FlatMemory } from "./flat-memory.js";
import type { Optimiser, Segment } from "./optimiser.type.js";
import { copyMemory, countSteps } from "./optimiser-memory.js";
import type { AdamWCoefficients } from "./vector-kernel.type.js";

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export const adamWDefaults: AdamWSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4 };

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), with the decay scaled by the rate as
 * common frameworks do: w ← (1 − ηλ)w − η · m̂ / (√v̂ + ε).
 */
export function createAdamW(memory: FlatMemory, segments: readonly Segment[], settings: AdamWSettings): Optimiser {
  const first = memory.array();
  const second = memory.array();
  const arrays = { first, second };
  // A group that was at rest starts its own count: the correction of a first step belongs to it.
  const steps = { head: 0, trunk: 0 };
  return {
    step(weights, gradient, rates) {
      countSteps(steps, rates);
      for (const { from, to, group, decays } of segments) {
        const rate = rates[group];
        if (rate === 0) continue;
        const coefficients = coefficientsAt(steps[group], rate, settings);
        const kept = decays ? coefficients.kept : 1;
        memory.kernel.adamw({ weights, gradient, first, second }, from, to, { ...coefficients, kept });
      }
    },
    numbers: (group, rate) =>
      rate === 0
        ? { beta1: 1, beta2: 1, kept: 1, reach: 0, scale: 1, epsilon: settings.epsilon }
        : { ...coefficientsAt(steps[group] + 1, rate, settings) },
    counted: (rates) => countSteps(steps, rates),
    memory: () => ({ steps: { ...steps }, arrays }),
    restore(saved) {
      copyMemory(arrays, saved.arrays);
      Object.assign(steps, saved.steps);
    },
  };
}

function coefficientsAt(
  step: number,
  rate: number,
  { beta1, beta2, epsilon, weightDecay }: AdamWSettings,
): AdamWCoefficients {
  return {
    beta1,
    beta2,
    epsilon,
    kept: 1 - rate * weightDecay,
    reach: rate / (1 - beta1 ** step),
    scale: 1 / Math.sqrt(1 - beta2 ** step),
  };
}
