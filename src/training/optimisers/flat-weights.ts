import type { FlatMemory } from "./flat-memory.js";

/** √Σg² over everything. Not finite when one element is not. */
export function globalNorm(memory: FlatMemory, gradient: Float32Array): number {
  return Math.sqrt(memory.kernel.squares(gradient));
}

/** Shortens a gradient to `limit` where it is longer (Pascanu et al. 2013). */
export function clipToNorm(memory: FlatMemory, gradient: Float32Array, norm: number, limit: number): void {
  if (norm > limit) memory.kernel.scale(gradient, limit / norm);
}

/**
 * Exponential moving average of weights, in place: a ← d·a + (1 − d)·w. The decay grows into its value,
 * d = min(decay, (1 + n) / (10 + n)) after n updates, so that the first weights are soon forgotten.
 */
export function averageInto(
  memory: FlatMemory,
  average: Float32Array,
  weights: Float32Array,
  decay: number,
  updates: number,
): void {
  memory.kernel.average(average, weights, averageKept(decay, updates));
}

/** d of `averageInto`. */
export function averageKept(decay: number, updates: number): number {
  return Math.min(decay, (1 + updates) / (10 + updates));
}
