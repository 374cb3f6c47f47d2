import { createHash } from "node:crypto";
import type { LearningInput, LearningPlan, ValidationFigures } from "./learning.type.js";
import type { PhasePosition } from "./phases/phase.type.js";
import type { Recipe } from "./recipes/recipe.type.js";

/** What a checkpoint says about its run besides weights. JSON. */
export interface RunRecord {
  readonly recipe: Recipe;
  readonly plan: LearningPlan;
  readonly phase: "head" | "last";
  readonly position: PhasePosition;
  /** Epochs of the phases before. */
  readonly epochsBefore: number;
  readonly stepsBefore: number;
  readonly baseValidation: ValidationFigures | null;
  /** Spent by all attempts so far. */
  readonly seconds: number;
  readonly timings: Readonly<Record<string, number>>;
}

/** What a run must have in common with the one that goes on from its checkpoint. The budget may change. */
export function identityOf({ request, snapshot, encoder }: LearningInput): string {
  const { recipe, seed, overrides = {} } = request;
  const facts = [recipe, seed, overrides, encoder.digest, snapshot];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** Adds up seconds by name. */
export interface Clock {
  readonly timings: Record<string, number>;
  time<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
}

export function createClock(before: Readonly<Record<string, number>> = {}): Clock {
  const timings: Record<string, number> = { ...before };
  return {
    timings,
    async time(name, work) {
      const started = performance.now();
      try {
        return await work();
      } finally {
        timings[name] = (timings[name] ?? 0) + (performance.now() - started) / 1000;
      }
    },
  };
}
