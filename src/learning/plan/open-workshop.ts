import os from "node:os";
import type { EncoderManifest } from "../../encoders/encoder.type.js";
import { type BatchSampler, createBatchSampler } from "../../mining/index.js";
import { elementCount, type Graph } from "../../onnx/index.js";
import { createTrainer, type Device, MemoryTooSmall, type Trainer } from "../../training/index.js";
import { RecipeUnfit } from "../learning.errors.js";
import type { LearningInput } from "../learning.type.js";
import type { PhaseSettings, Recipe } from "../recipes/recipe.type.js";
import { createLiveViews } from "../views/live-views.js";
import { openViewCache, type ViewCache } from "../views/view-cache.js";
import { startViewLanes, type ViewLanes } from "../views/view-lanes.js";
import type { ValueLength, ViewSource } from "../views/view-source.type.js";
import type { LearningMaterial } from "./material.js";

export interface WorkshopOptions {
  readonly input: LearningInput;
  readonly graph: Graph;
  readonly recipe: Recipe;
  readonly material: LearningMaterial;
  readonly device: Device;
}

/** What a recipe works with: trainers of its last phase, and threads that prepare photos. */
export interface Workshop {
  /** With the batch that fits into memory. */
  readonly recipe: Recipe;
  readonly trainers: readonly [Trainer, ...Trainer[]];
  /** Photos of every batch. */
  readonly batch: number;
  /** Shape of one photo as the encoder takes it. */
  readonly image: readonly number[];
  readonly values: readonly ValueLength[];
  readonly lanes: ViewLanes;
  /** Views are made anew for every batch, because nothing before the cut could be kept. */
  readonly live: boolean;
  readPhoto(place: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** @throws RecipeUnfit, MemoryTooSmall, and what createTrainer throws */
export async function openWorkshop(options: WorkshopOptions): Promise<Workshop> {
  const { request, snapshot, encoder, maxPixels, readPhoto } = options.input;
  const { recipe, trainers, batch } = await openTrainers(options, options.recipe);
  const values = trainers[0].boundary.map(({ name, type }) => ({
    name,
    length: elementCount(type.shape.slice(1).map(Number)),
  }));
  const trunk = trainers[0].frozenModel();
  const live = trunk === undefined || lastPhase(recipe).stage === "full";
  const lanes = await startViewLanes(
    {
      preprocessing: encoder.manifest.preprocessing,
      maxPixels,
      augmentation: recipe.augmentation,
      values: values.map(({ name }) => name),
      half: !live,
      ...(trunk && { trunk }),
    },
    request.threads ?? os.availableParallelism(),
  );
  return {
    recipe,
    trainers,
    batch,
    image: imageShape(encoder.manifest),
    values,
    lanes,
    live,
    readPhoto: (place) => readPhoto(snapshot.photos[place]!.contentHash),
    async close() {
      await lanes.close();
      for (const one of trainers) await one.dispose();
    },
  };
}

/** Where the photos of a run come from. */
export interface RunSource {
  readonly source: ViewSource;
  readonly cache: ViewCache | undefined;
  readonly viewsOf: Int32Array;
}

/** @throws CacheNotWritten */
export async function openSource(
  { values, lanes, live, readPhoto, recipe: { augmentation } }: Workshop,
  { snapshot, encoder, workFolder, request }: LearningInput,
  material: LearningMaterial,
  views: number,
): Promise<RunSource> {
  const viewsOf = new Int32Array(snapshot.photos.length);
  for (const place of material.train) viewsOf[place] = views;
  for (const place of material.validation) viewsOf[place] = 1;
  if (live) {
    return { source: createLiveViews(lanes, values, request.seed, readPhoto), cache: undefined, viewsOf };
  }
  const hashes = snapshot.photos.map(({ contentHash }) => contentHash);
  const identity = JSON.stringify([encoder.digest, augmentation, request.seed, hashes]);
  const cache = await openViewCache({ folder: workFolder, identity, values, viewsOf });
  return { source: cache, cache, viewsOf };
}

/** Whether batches can be drawn by some notion of similar, with so many views of each photo. */
export function canCompare({ rules }: LearningMaterial, views: number): boolean {
  return rules.some(({ labels }) => hasPairs(labels, views));
}

/** Two labels of which two photos, or two views of one, can be shown. */
function hasPairs(labels: Int32Array, views: number): boolean {
  const shown = new Map<number, number>();
  for (const label of labels) if (label >= 0) shown.set(label, (shown.get(label) ?? 0) + views);
  let paired = 0;
  for (const count of shown.values()) if (count > 1 && ++paired === 2) return true;
  return false;
}

/**
 * Batches of a recipe over training photos, by those notions of similar that leave something to compare.
 * @throws NothingToMine
 */
export function samplerOf(
  { mining, views }: Pick<Recipe, "mining" | "views">,
  { labelsPerBatch, photosPerLabel }: Pick<PhaseSettings, "labelsPerBatch" | "photosPerLabel">,
  { rules }: LearningMaterial,
  seed: number,
): BatchSampler {
  const usable = rules.filter(({ labels }) => hasPairs(labels, views));
  return createBatchSampler({
    // Where there is none, the sampler says what is missing.
    rules: usable.length > 0 ? usable : rules,
    labelsPerBatch,
    photosPerLabel,
    views,
    injectPositives: mining?.injectPositives ?? 0,
    injectNegatives: mining?.injectNegatives ?? 0,
    seed,
  });
}

/** The phase that the exported weights come from. */
export function lastPhase(recipe: Recipe): PhaseSettings & { readonly stage: "head" | "trunk" | "full" } {
  if (recipe.trunkPhase) return recipe.trunkPhase;
  if (recipe.headPhase) return { stage: "head", ...recipe.headPhase };
  throw new RecipeUnfit(`The recipe "${recipe.name}" trains nothing.`);
}

/** Trainers of the last phase; the batch shrinks until a step fits into memory. */
async function openTrainers(options: WorkshopOptions, recipe: Recipe) {
  const { input, material, graph, device } = options;
  const { request, encoder } = input;
  const phase = lastPhase(recipe);
  const { size: batch } = samplerOf(recipe, phase, material, request.seed);
  const trainers: Trainer[] = [];
  try {
    for (const loss of phase.losses) {
      trainers.push(
        await createTrainer({
          encoder: { graph, image: imageShape(encoder.manifest) },
          cut: recipe.cut,
          head: recipe.head,
          loss,
          optimiser: recipe.optimiser,
          learningRate: phase.learningRate,
          clipNorm: recipe.clipNorm,
          averaging: recipe.averaging,
          batch,
          seed: request.seed,
          device,
          memoryBudget: request.memoryBudget ?? freeMemory() / 2,
          ...(request.threads !== undefined && { threads: request.threads }),
        }),
      );
    }
  } catch (error) {
    for (const one of trainers) await one.dispose();
    const smaller = error instanceof MemoryTooSmall && shrunk(recipe, (error.fits ?? 0) / batch);
    if (!smaller) throw error;
    return openTrainers(options, smaller);
  }
  const [first, ...others] = trainers;
  if (first === undefined) throw new RecipeUnfit(`The recipe "${recipe.name}" names no loss.`);
  return { recipe, trainers: [first, ...others] as const, batch };
}

/** The recipe with this share of its batch; `undefined` when no pair would be left. */
function shrunk(recipe: Recipe, share: number): Recipe | undefined {
  const { labelsPerBatch, photosPerLabel } = lastPhase(recipe);
  const photos = Math.floor(labelsPerBatch * photosPerLabel * share);
  const each = Math.max(2, Math.min(photosPerLabel, Math.floor(photos / labelsPerBatch)));
  const labels = Math.min(labelsPerBatch, Math.floor(photos / each));
  if (labels < 2 || labels * each >= labelsPerBatch * photosPerLabel) return undefined;
  const smaller = { labelsPerBatch: labels, photosPerLabel: each };
  if (recipe.trunkPhase) return { ...recipe, trunkPhase: { ...recipe.trunkPhase, ...smaller } };
  return recipe.headPhase && { ...recipe, headPhase: { ...recipe.headPhase, ...smaller } };
}

function freeMemory(): number {
  const allowed = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(os.freemem(), Math.max(0, allowed - process.memoryUsage.rss()));
}

/** Shape of one photo as an encoder takes it. */
export function imageShape({ preprocessing: { size, layout } }: Pick<EncoderManifest, "preprocessing">): number[] {
  return layout === "NCHW" ? [3, size, size] : [size, size, 3];
}
