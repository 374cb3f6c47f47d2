import { z } from "zod";
import { RecipeUnfit } from "../learning.errors.js";

const count = z.number().int().positive();
const share = z.number().min(0).max(1);

/** What experiments and benchmarks may change of a recipe. */
const overridesSchema = z.strictObject({
  /** Steps of the last phase, and of the head before it. */
  steps: count.optional(),
  headSteps: count.optional(),
  epochs: count.optional(),
  views: count.max(64).optional(),
  headRate: z.number().positive().optional(),
  trunkRate: z.number().positive().optional(),
  cut: z.string().min(1).optional(),
  hidden: z.array(count).optional(),
  dims: count.optional(),
  dropout: z.number().min(0).max(0.9).optional(),
  labelsPerBatch: count.min(2).optional(),
  photosPerLabel: count.min(2).optional(),
  loss: z.enum(["multi-similarity", "batch-hard", "batch-all", "semi-hard", "info-nce"]).optional(),
  jitter: share.optional(),
  smallestArea: share.optional(),
  averaging: share.optional(),
  cleaning: z.boolean().optional(),
  cleanAt: share.optional(),
  agreement: share.optional(),
  mining: z.boolean().optional(),
  policy: z.enum(["none", "hard-positives", "hard-negatives", "both", "semi-hard"]).optional(),
  injectPositives: z.number().int().min(0).optional(),
  injectNegatives: z.number().int().min(0).optional(),
  trim: share.optional(),
  flipAveraging: z.boolean().optional(),
  /** 1: not joined with the base at all. */
  tunedShare: z.number().gt(0).max(1).optional(),
  /** Of the recipe "whitening": axes are divided by their variance to this power. */
  whiteningExponent: share.optional(),
});

export type RecipeOverrides = z.infer<typeof overridesSchema>;

/** @throws RecipeUnfit naming each wrong field */
export function readOverrides(given: Readonly<Record<string, unknown>> = {}): RecipeOverrides {
  const result = overridesSchema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "overrides"}: ${message}`);
  throw new RecipeUnfit(`The recipe cannot be changed like this: ${problems.join("; ")}.`);
}
