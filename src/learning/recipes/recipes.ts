import type { LossSpecification } from "../../training/index.js";
import { RecipeUnfit } from "../learning.errors.js";
import { usualAugmentation } from "../views/draw-view.js";
import type { EncoderParts } from "./encoder-parts.js";
import type { RecipeOverrides } from "./overrides.js";
import type { PhaseSettings, Recipe } from "./recipe.type.js";

/** What a recipe has to work with. */
export interface RecipeMaterial {
  readonly parts: EncoderParts;
  /** Training photos with a label, and labels of which two are there. */
  readonly photos: number;
  readonly labels: number;
  readonly overrides: RecipeOverrides;
}

/** Labels from which on batches show more of them with fewer photos each. */
const MANY_LABELS = 40;

/**
 * The recipes by name, as they were measured: docs/decisions/130-recipes.md. Steps and views are those of a run with time
 * enough; a plan takes fewer where the budget is short.
 * @throws RecipeUnfit where the encoder cannot be cut
 */
export function recipeOf(name: Exclude<Recipe["name"], "whitening">, material: RecipeMaterial): Recipe {
  const { parts, overrides: given } = material;
  const mining = miningOf(name, given);
  // The seed's recipe adds its partners to whole batches; the others make room for them.
  const shape = batchShape(material, name === "seed" ? undefined : mining);
  const multiSimilarity: LossSpecification = { name: "multi-similarity" };
  const phase = (steps: number, rate: number, trunk: number, losses = lossesOf(given) ?? [multiSimilarity]) =>
    ({
      steps,
      learningRate: { head: given.headRate ?? rate, trunk: given.trunkRate ?? trunk },
      warmUpSteps: Math.min(20, Math.floor(steps / 4)),
      ...shape,
      losses,
    }) satisfies PhaseSettings;
  const dims = given.dims ?? 256;
  const dropout = given.dropout ?? 0.2;
  const head = { features: parts.features, standardise: true, dropout } as const;
  const deep = { ...head, layers: { kind: "mlp", hidden: given.hidden ?? [512], dims } } as const;
  const usual = {
    optimiser: { name: "adamw", weightDecay: 1e-4 },
    averaging: given.averaging ?? 0.995,
    clipNorm: 5,
    augmentation: {
      ...usualAugmentation,
      area: [given.smallestArea ?? usualAugmentation.area[0], 1],
      jitter: given.jitter ?? usualAugmentation.jitter,
    },
    cleaning:
      given.cleaning === false
        ? undefined
        : { at: given.cleanAt ?? 0.45, neighbours: 20, agreement: given.agreement ?? 0.15 },
    mining,
    tunedShare: given.tunedShare,
    flipAveraging: given.flipAveraging ?? false,
  } as const;
  switch (name) {
    case "head":
      return {
        name,
        ...usual,
        cut: parts.features[0]!.value,
        head: deep,
        views: 1,
        headPhase: phase(given.steps ?? 600, 1e-3, 0),
        trunkPhase: undefined,
        epochs: given.epochs ?? 5,
      };
    case "last-blocks":
      return {
        name,
        ...usual,
        cut: cutOf(given.cut ?? parts.lateCut, name),
        head: deep,
        views: given.views ?? 8,
        headPhase: phase(given.headSteps ?? 250, 1e-3, 0),
        trunkPhase: { stage: "trunk", ...phase(given.steps ?? 320, 1e-3, 1e-3) },
        epochs: given.epochs ?? 8,
      };
    case "growing":
      return {
        name,
        ...usual,
        cut: cutOf(given.cut ?? parts.lateCut, name),
        head: { ...head, layers: { kind: "linear", dims } },
        views: given.views ?? 4,
        headPhase: phase(given.headSteps ?? 100, 1e-3, 0),
        trunkPhase: { stage: "trunk", ...phase(given.steps ?? 90, 1e-3, 3e-4) },
        epochs: given.epochs ?? 3,
        tunedShare: given.tunedShare ?? 0.7,
      };
    case "full":
      return {
        name,
        ...usual,
        cut: given.cut ?? parts.input,
        head: deep,
        views: given.views ?? 1_000_000,
        headPhase: phase(given.headSteps ?? 250, 1e-3, 0),
        trunkPhase: { stage: "full", ...phase(given.steps ?? 300, 1e-3, 3e-4) },
        epochs: given.epochs ?? 6,
      };
    case "seed": {
      const triplet = (selection: "batch-all" | "batch-hard"): LossSpecification => ({
        name: "triplet",
        selection,
        margin: 0.3,
        distance: "euclidean",
      });
      const losses = [triplet("batch-all"), triplet("batch-hard")];
      const epochSteps = Math.max(1, Math.ceil(material.photos / (shape.labelsPerBatch * shape.photosPerLabel)));
      const epochs = given.epochs ?? 4;
      return {
        name,
        ...usual,
        optimiser: { name: "sgd", momentum: 0.2 },
        averaging: given.averaging ?? 0,
        cleaning: undefined,
        cut: cutOf(given.cut ?? parts.middleCut, name),
        head: { features: parts.features.slice(0, 1), layers: { kind: "linear", dims: given.dims ?? 128 } },
        views: given.views ?? 4,
        headPhase: { ...phase(given.headSteps ?? epochSteps, 1e-3, 0, losses), warmUpSteps: 0 },
        trunkPhase: {
          stage: "trunk",
          ...phase(given.steps ?? epochSteps * epochs, 1e-3, 1e-3, losses),
          warmUpSteps: 0,
        },
        epochs,
      };
    }
  }
}

/**
 * Partners from the whole catalog help a head on cached features (+.015 P@1, +.009 mAP over three seeds) and cost the last
 * blocks as much (−.004, −.021): docs/decisions/140-what-mined-pools-add.md.
 */
function miningOf(name: Recipe["name"], given: RecipeOverrides): Recipe["mining"] {
  const seed = name === "seed";
  if (!seed && !(given.mining ?? name === "head")) return undefined;
  return {
    policy: given.policy ?? (seed ? "hard-positives" : "semi-hard"),
    injectPositives: given.injectPositives ?? (seed ? 1 : 0),
    injectNegatives: given.injectNegatives ?? (seed ? 0 : 1),
    trim: given.trim ?? 0.01,
  };
}

/** About 120 photos: ten labels with twelve, or 32 with four where labels are many or small; mined partners included. */
function batchShape({ photos, labels, overrides }: RecipeMaterial, mining: Recipe["mining"]) {
  const each = photos / Math.max(1, labels);
  const many = labels >= MANY_LABELS || each < 12;
  const labelsPerBatch = overrides.labelsPerBatch ?? Math.max(2, Math.min(many ? 32 : 10, labels));
  const anchors = 1 / (1 + (mining ? mining.injectPositives + mining.injectNegatives : 0));
  const whole = Math.min(many ? 128 : 120, Math.max(4, photos)) * anchors;
  const photosPerLabel = overrides.photosPerLabel ?? Math.max(2, Math.floor(whole / labelsPerBatch));
  return { labelsPerBatch, photosPerLabel };
}

function lossesOf({ loss }: RecipeOverrides): LossSpecification[] | undefined {
  switch (loss) {
    case undefined:
      return undefined;
    case "multi-similarity":
      return [{ name: loss }];
    case "info-nce":
      return [{ name: loss }];
    default:
      return [{ name: "triplet", selection: loss, margin: "soft" }];
  }
}

function cutOf(cut: string | undefined, recipe: string): string {
  if (cut !== undefined) return cut;
  throw new RecipeUnfit(
    `The encoder's manifest names no cut, which the recipe "${recipe}" needs. Use the recipe "head" or "whitening", or ` +
      "add cuts to the manifest: docs/encoders.md.",
  );
}
