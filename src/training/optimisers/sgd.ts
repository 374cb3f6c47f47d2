import type { FlatMemory } from "./flat-memory.js";
import type { Optimiser, Segment } from "./optimiser.type.js";
import { copyMemory, countSteps } from "./optimiser-memory.js";

export interface SgdSettings {
  readonly momentum: number;
  readonly weightDecay: number;
}

/** As the first recipes of this method had it. */
export const sgdDefaults: SgdSettings = { momentum: 0.2, weightDecay: 0 };

/** Stochastic gradient descent with momentum (Sutskever et al. 2013): v ← μv + g + λw,  w ← w − ηv. */
export function createSgd(memory: FlatMemory, segments: readonly Segment[], settings: SgdSettings): Optimiser {
  const velocity = memory.array();
  const arrays = { velocity };
  const steps = { head: 0, trunk: 0 };
  return {
    step(weights, gradient, rates) {
      countSteps(steps, rates);
      for (const { from, to, group, decays } of segments) {
        const rate = rates[group];
        if (rate === 0) continue;
        memory.kernel.sgd({ weights, gradient, velocity }, from, to, {
          rate,
          momentum: settings.momentum,
          decay: decays ? settings.weightDecay : 0,
        });
      }
    },
    numbers: (_group, rate) => ({
      rate,
      momentum: rate === 0 ? 1 : settings.momentum,
      share: rate === 0 ? 0 : 1,
      decay: settings.weightDecay,
    }),
    counted: (rates) => countSteps(steps, rates),
    memory: () => ({ steps: { ...steps }, arrays }),
    restore(saved) {
      copyMemory(arrays, saved.arrays);
      Object.assign(steps, saved.steps);
    },
  };
}
