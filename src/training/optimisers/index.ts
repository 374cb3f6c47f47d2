import { adamWDefaults, createAdamW } from "./adamw.js";
import type { FlatMemory } from "./flat-memory.js";
import type { Optimiser, OptimiserSpecification, Segment } from "./optimiser.type.js";
import { createSgd, sgdDefaults } from "./sgd.js";

export { createFlatMemory, type FlatMemory, plainFlatMemory } from "./flat-memory.js";
export { averageInto, averageKept, clipToNorm, globalNorm } from "./flat-weights.js";
export type {
  Optimiser,
  OptimiserMemory,
  OptimiserSpecification,
  ParameterGroup,
  Segment,
} from "./optimiser.type.js";
export { moveWeight, numberInput } from "./optimiser-graph.js";
export { rateShare, type Schedule } from "./schedule.js";

/** Arrays that `createOptimiser` takes out of its memory. */
export function arraysOf({ name }: OptimiserSpecification): number {
  return name === "adamw" ? 2 : 1;
}

/** An optimiser over a flat array of weights. Weights and gradient must lie in the same memory. */
export function createOptimiser(
  specification: OptimiserSpecification,
  memory: FlatMemory,
  segments: readonly Segment[],
): Optimiser {
  switch (specification.name) {
    case "sgd":
      return createSgd(memory, segments, { ...sgdDefaults, ...specification });
    case "adamw":
      return createAdamW(memory, segments, { ...adamWDefaults, ...specification });
  }
}
