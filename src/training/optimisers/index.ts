import { adamWDefaults, createAdamW } from "./adamw.js";
import type { Optimiser, OptimiserSpecification, Segment } from "./optimiser.type.js";
import { createSgd, sgdDefaults } from "./sgd.js";

export { clipToNorm, globalNorm } from "./gradient-norm.js";
export type {
  Optimiser,
  OptimiserMemory,
  OptimiserSpecification,
  ParameterGroup,
  Segment,
} from "./optimiser.type.js";
export { rateShare, type Schedule } from "./schedule.js";
export { averageInto } from "./weight-average.js";

/** An optimiser over a flat array of weights. */
export function createOptimiser(
  specification: OptimiserSpecification,
  length: number,
  segments: readonly Segment[],
): Optimiser {
  switch (specification.name) {
    case "sgd":
      return createSgd(length, segments, { ...sgdDefaults, ...specification });
    case "adamw":
      return createAdamW(length, segments, { ...adamWDefaults, ...specification });
  }
}
