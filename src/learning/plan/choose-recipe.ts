import type { Graph } from "../../onnx/index.js";
import type { Device } from "../../training/index.js";
import { RecipeUnfit } from "../learning.errors.js";
import type { LearningInput, LearningPlan } from "../learning.type.js";
import { encoderParts } from "../recipes/encoder-parts.js";
import { readOverrides } from "../recipes/overrides.js";
import type { Recipe } from "../recipes/recipe.type.js";
import { recipeOf } from "../recipes/recipes.js";
import { describePlan, estimate, fitBudget } from "./fit-budget.js";
import type { LearningMaterial } from "./material.js";
import { measurePace } from "./measure.js";
import { openWorkshop, type Workshop } from "./open-workshop.js";

/** Photos from which on everything may train, where a GPU does it. */
const PHOTOS_FOR_FULL = 20_000;
/** What is left of the budget for surprises. */
const SAFE = 0.93;

export interface ChosenPlan {
  /** The encoder as it is read from its file. */
  readonly graph: Graph;
  readonly workshop: Workshop;
  /** With the steps and views that the budget allows. */
  readonly recipe: Recipe;
  readonly plan: LearningPlan;
}

type TrainedRecipe = Exclude<Recipe["name"], "whitening">;

/**
 * Opens what the run needs, times it, and decides. A recipe asked for by name is shortened to the budget and never
 * replaced; `auto` takes the best that fits.
 * @throws RecipeUnfit, MemoryTooSmall, and what createTrainer throws
 */
export async function choosePlan(
  input: LearningInput,
  graph: Graph,
  material: LearningMaterial,
  device: Device,
): Promise<ChosenPlan> {
  const { request, encoder } = input;
  const parts = encoderParts(encoder.manifest, graph);
  const overrides = readOverrides(request.overrides);
  const recipeMaterial = { parts, photos: material.train.length, labels: material.labels, overrides };
  const budget = request.budgetMinutes * 60;
  const candidates = candidatesFor(input, material, device, parts.lateCut !== undefined || overrides.cut !== undefined);
  for (const [index, { name, because }] of candidates.entries()) {
    const last = index === candidates.length - 1;
    const workshop = await openWorkshop({ input, graph, material, device, recipe: recipeOf(name, recipeMaterial) });
    try {
      const pace = await measurePace(workshop, material);
      const fitting = fitBudget(workshop.recipe, material, pace, workshop.live, budget * SAFE);
      if (fitting === undefined && !last) {
        await workshop.close();
        continue;
      }
      // Steps that were asked for by number are not changed.
      const kept = overrides.steps !== undefined || overrides.views !== undefined;
      const recipe = kept ? workshop.recipe : (fitting ?? shortest(workshop.recipe));
      const seconds = estimate(recipe, material, pace, workshop.live);
      const minutes = Number((seconds.total / 60).toPrecision(2));
      const late = fitting === undefined && !kept ? " This is the least that can be learnt; it may take longer." : "";
      const reason = `${because} About ${minutes} of ${request.budgetMinutes} minutes, by what a step and a photo take here.${late}`;
      return { graph, workshop, recipe, plan: describePlan(recipe, material, seconds, device, reason) };
    } catch (error) {
      await workshop.close();
      throw error;
    }
  }
  throw new RecipeUnfit("No recipe fits.");
}

function shortest(recipe: Recipe): Recipe {
  if (recipe.trunkPhase) return { ...recipe, views: 2, trunkPhase: { ...recipe.trunkPhase, steps: 40 }, epochs: 2 };
  return recipe.headPhase ? { ...recipe, headPhase: { ...recipe.headPhase, steps: 200 }, epochs: 2 } : recipe;
}

function candidatesFor(
  { request, encoder }: LearningInput,
  { train, labels }: LearningMaterial,
  device: Device,
  canBeCut: boolean,
): readonly { readonly name: TrainedRecipe; readonly because: string }[] {
  const { recipe } = request;
  const facts = `${train.length} training photos of ${labels} labels on ${device}.`;
  switch (recipe) {
    case "whitening":
      throw new RecipeUnfit("Whitening trains nothing.");
    case "auto": {
      const head = { name: "head", because: `${facts} The head alone, because the time is short for more.` } as const;
      if (!canBeCut) {
        return [
          { name: "head", because: `${facts} The head alone: ${encoder.manifest.name} names no place to cut it.` },
        ];
      }
      const blocks = {
        name: "last-blocks",
        because: `${facts} The last blocks and a head, from cached photos.`,
      } as const;
      if (device === "cpu" || train.length < PHOTOS_FOR_FULL) return [blocks, head];
      return [{ name: "full", because: `${facts} Enough photos, and a device, to train everything.` }, blocks, head];
    }
    default:
      return [{ name: recipe, because: `${facts} The recipe "${recipe}", as asked.` }];
  }
}
