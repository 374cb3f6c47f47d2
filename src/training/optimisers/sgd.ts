import type { Optimiser, Segment } from "./optimiser.type.js";
import { copyMemory, countSteps } from "./optimiser-memory.js";

export interface SgdSettings {
  readonly momentum: number;
  readonly weightDecay: number;
}

/** As the first recipes of this method had it. */
export const sgdDefaults: SgdSettings = { momentum: 0.2, weightDecay: 0 };

/** Stochastic gradient descent with momentum (Sutskever et al. 2013): v ← μv + g + λw,  w ← w − ηv. */
export function createSgd(length: number, segments: readonly Segment[], settings: SgdSettings): Optimiser {
  const velocity = new Float32Array(settings.momentum === 0 ? 0 : length);
  const arrays = { velocity };
  const steps = { head: 0, trunk: 0 };
  return {
    step(weights, gradient, rates) {
      countSteps(steps, rates);
      const { momentum } = settings;
      for (const { from, to, group, decays } of segments) {
        const rate = rates[group];
        if (rate === 0) continue;
        const decay = decays ? settings.weightDecay : 0;
        for (let index = from; index < to; index++) {
          const weight = weights[index] as number;
          let move = (gradient[index] as number) + decay * weight;
          if (momentum !== 0) {
            move += momentum * (velocity[index] as number);
            velocity[index] = move;
          }
          weights[index] = weight - rate * move;
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
