import type { LearningPlan } from "../learning.type.js";
import type { Recipe } from "../recipes/recipe.type.js";
import type { LearningMaterial } from "./material.js";
import type { Pace } from "./measure.js";
import { lastPhase } from "./open-workshop.js";

/** Steps and views of the last phase, best first: figures in docs/decisions/130-recipes.md. */
const LADDER = [
  { share: 1, views: 8 },
  { share: 0.75, views: 6 },
  { share: 0.5, views: 4 },
  { share: 0.35, views: 4 },
  { share: 0.2, views: 3 },
] as const;

/** Embedding the catalog with the new model takes all of a photo's way, not the frozen part of it alone. */
const WHOLE_MODEL = 1.4;
/** Opening sessions, the last validation, export. */
const AROUND = 8;
/** A step of the head alone, on features in memory. */
const HEAD_STEP = 0.012;

/** Photos of a batch of the last phase, mined partners included. */
function photosOfBatch(recipe: Recipe): number {
  const { labelsPerBatch, photosPerLabel } = lastPhase(recipe);
  const { injectPositives = 0, injectNegatives = 0 } = recipe.mining ?? {};
  return labelsPerBatch * photosPerLabel * (1 + injectPositives + injectNegatives);
}

/** Seconds of each part of a run. */
export interface Estimate {
  readonly caching: number;
  readonly head: number;
  readonly last: number;
  readonly validation: number;
  readonly total: number;
}

export function estimate(recipe: Recipe, material: LearningMaterial, pace: Pace, live: boolean): Estimate {
  const photos = material.train.length + material.validation.length;
  const phase = lastPhase(recipe);
  const views = material.train.length * recipe.views + material.validation.length;
  const caching = live ? 0 : views * pace.view;
  const decoding = live ? pace.view : 0;
  const batch = photosOfBatch(recipe);
  const last = phase.steps * (pace.step + batch * decoding);
  const once = photos * (pace.embedding + decoding);
  const head = recipe.trunkPhase && recipe.headPhase ? recipe.headPhase.steps * HEAD_STEP : 0;
  const validation = once * (recipe.epochs + 2) + AROUND;
  return { caching, head, last, validation, total: caching + head + last + validation };
}

/**
 * The recipe with as many steps and views as the budget allows; `undefined` when not even the fewest fit. Embedding the
 * catalog with the trained model belongs to the budget, although others do it.
 */
export function fitBudget(
  recipe: Recipe,
  material: LearningMaterial,
  pace: Pace,
  live: boolean,
  budgetSeconds: number,
): Recipe | undefined {
  const everything = Object.values(material.counts).reduce((sum, count) => sum + count, 0);
  const refresh = everything * pace.view * WHOLE_MODEL;
  for (const { share, views } of LADDER) {
    const shorter = shortened(recipe, share, views);
    if (estimate(shorter, material, pace, live).total + refresh <= budgetSeconds) return shorter;
  }
  return undefined;
}

function shortened(recipe: Recipe, share: number, views: number): Recipe {
  const { trunkPhase, headPhase } = recipe;
  const epochs = Math.max(2, Math.round(recipe.epochs * Math.sqrt(share)));
  if (trunkPhase) {
    const steps = Math.max(1, Math.round(trunkPhase.steps * share));
    return { ...recipe, views: Math.min(recipe.views, views), epochs, trunkPhase: { ...trunkPhase, steps } };
  }
  if (!headPhase) return recipe;
  return { ...recipe, epochs, headPhase: { ...headPhase, steps: Math.max(1, Math.round(headPhase.steps * share)) } };
}

/** The plan as people read it. */
export function describePlan(
  recipe: Recipe,
  material: LearningMaterial,
  seconds: Estimate,
  device: LearningPlan["device"],
  reason: string,
): LearningPlan {
  const phase = lastPhase(recipe);
  const batch = photosOfBatch(recipe);
  const shown = recipe.views > 1000 ? "new views for every batch" : `${recipe.views} views`;
  const row = (stage: LearningPlan["phases"][number]["stage"], steps: number, took: number, description: string) => ({
    stage,
    steps,
    batch: steps > 0 ? batch : 0,
    views: stage === "head" ? 1 : recipe.views,
    estimatedSeconds: Math.round(took),
    description,
  });
  const photos = material.train.length + material.validation.length;
  return {
    recipe: recipe.name,
    reason,
    device,
    photos: material.counts,
    labels: material.labels,
    phases: [
      ...(seconds.caching > 0
        ? [row("caching", 0, seconds.caching, `${photos} photos, ${shown}, up to ${recipe.cut}`)]
        : []),
      ...(recipe.trunkPhase && recipe.headPhase
        ? [row("head", recipe.headPhase.steps, seconds.head, "the head alone, on features of the plain photos")]
        : []),
      row(
        phase.stage,
        phase.steps,
        seconds.last,
        phase.stage === "head" ? "the head alone" : `everything behind ${recipe.cut}, ${shown}`,
      ),
      row("validation", 0, seconds.validation, `${material.validation.length} photos against the training photos`),
    ],
  };
}
