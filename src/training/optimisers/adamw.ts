import type { Optimiser, Segment } from "./optimiser.type.js";
import { copyMemory, countSteps } from "./optimiser-memory.js";

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
export function createAdamW(length: number, segments: readonly Segment[], settings: AdamWSettings): Optimiser {
  const first = new Float32Array(length);
  const second = new Float32Array(length);
  const arrays = { first, second };
  // A group that was at rest starts its own count: the correction of a first step belongs to it.
  const steps = { head: 0, trunk: 0 };
  return {
    step(weights, gradient, rates) {
      countSteps(steps, rates);
      const { beta1, beta2, epsilon, weightDecay } = settings;
      for (const { from, to, group, decays } of segments) {
        const rate = rates[group];
        if (rate === 0) continue;
        const kept = 1 - rate * (decays ? weightDecay : 0);
        const reach = rate / (1 - beta1 ** steps[group]);
        const secondRoot = Math.sqrt(1 - beta2 ** steps[group]);
        for (let index = from; index < to; index++) {
          const slope = gradient[index] as number;
          const m = beta1 * (first[index] as number) + (1 - beta1) * slope;
          const v = beta2 * (second[index] as number) + (1 - beta2) * slope * slope;
          first[index] = m;
          second[index] = v;
          weights[index] = kept * (weights[index] as number) - (reach * m) / (Math.sqrt(v) / secondRoot + epsilon);
        }
      }
    },
    memory: () => ({ steps: { ...steps }, arrays }),
    restore(memory) {
      copyMemory(arrays, memory.arrays);
      Object.assign(steps, memory.steps);
    },
  };
}
