import {
  type BatchSampler,
  findSuspects,
  type MinedPools,
  minePools,
  NothingToMine,
  sampleTriplets,
  type UnitVectors,
} from "../../mining/index.js";
import type { Trainer } from "../../training/index.js";
import { LearningCancelled } from "../learning.errors.js";
import type { LearningListener, ValidationFigures } from "../learning.type.js";
import { everyNth } from "../plan/every-nth.js";
import type { LearningMaterial } from "../plan/material.js";
import type { Recipe } from "../recipes/recipe.type.js";
import type { ViewSource } from "../views/view-source.type.js";
import { encodeAll, meanDistances, rowsAt } from "./encode.js";
import type { EpochOutcome, PhaseRun } from "./phase.type.js";
import { validate } from "./validation.js";

/** Photos of the gallery and queries beyond which a validation within a run looks at a sample. */
const GALLERY = 8000;
const QUERIES = 2000;

export interface BetweenEpochsOptions {
  readonly recipe: Recipe;
  readonly material: LearningMaterial;
  /** Positions whose photos can be read, ascending, and places of validation photos that can. */
  readonly readable: Int32Array;
  readonly validation: { readonly places: Int32Array; readonly labels: Int32Array };
  readonly source: ViewSource;
  /** Where the plain views of a position, or of a validation photo, lie in the source. */
  readonly placesOf: { train(position: number): number; validation(index: number): number };
  readonly sampler: BatchSampler;
  readonly batch: number;
  readonly steps: number;
  readonly epochs: number;
  readonly epochsBefore: number;
  readonly seed: number;
  /** Only the last phase cleans and mines. */
  readonly last: boolean;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
}

/** Partners kept of each photo, of which batches draw. */
const POSITIVES = 8;
const NEGATIVES = 16;
/** Photos that partners are looked for at most: a batch asks for few of them, and each is compared with all. */
const ANCHORS = 20_000;
/** Triplets of an epoch that are kept for people. */
const TRIPLETS = 12;

export interface BetweenEpochs {
  readonly endOfEpoch: PhaseRun["endOfEpoch"];
  /** Mines for the first epoch, where the recipe does. */
  begin(trainer: Trainer): Promise<void>;
}

/** What is done between two epochs, with the averaged weights. */
export function createBetweenEpochs(options: BetweenEpochsOptions): BetweenEpochs {
  const { recipe, material, readable, source, placesOf, sampler, batch, listener, signal } = options;
  const embed = (trainer: Trainer, places: Int32Array) =>
    encodeAll({
      source,
      places,
      batch,
      dims: trainer.dims,
      run: (boundary) => trainer.embed({ boundary }, "averaged"),
      signal,
    });
  const queries = everyNth(Int32Array.from(options.validation.places.keys()), QUERIES);

  async function clean(vectors: UnitVectors, positions: Int32Array, step: number): Promise<boolean> {
    const { cleaning } = recipe;
    if (cleaning === undefined) return false;
    const found = await findSuspects(
      vectors,
      positions.map((position) => material.trainLabels[position]!),
      {
        neighbours: cleaning.neighbours,
        agreement: cleaning.agreement,
        groups: positions.map((position) => material.products[position]!),
        signal,
      },
    );
    const suspected = found.map(({ photo }) => positions[photo]!);
    await listener.suspects(found.map((suspect, index) => ({ ...suspect, photo: material.train[suspected[index]!]! })));
    if (suspected.length === 0) return true;
    const unreadable = complement(material.train.length, readable);
    try {
      sampler.setExcluded([...unreadable, ...suspected]);
    } catch (error) {
      if (!(error instanceof NothingToMine)) throw error;
      await listener.guard({
        guard: "label-noise",
        step,
        action: `${suspected.length} photos disagree with their neighbours; all were kept, because too few would be left.`,
      });
      return true;
    }
    const share = Number(((100 * suspected.length) / positions.length).toPrecision(2));
    await listener.guard({
      guard: "label-noise",
      step,
      action: `${suspected.length} photos (${share} %) whose neighbours carry other labels were left out from here on.`,
    });
    return true;
  }

  /** Over the whole catalog, for the epoch to come. */
  async function mine(vectors: UnitVectors, positions: Int32Array, epoch: number): Promise<void> {
    const { mining } = recipe;
    const labels = positions.map((position) => material.trainLabels[position]!);
    const seed = options.seed + epoch;
    let pools: MinedPools | undefined;
    if (mining) {
      const all = {
        labels: new Int32Array(material.train.length).fill(-1),
        vectors: scattered(vectors, positions, material.train.length),
      };
      for (const [row, position] of positions.entries()) all.labels[position] = labels[row]!;
      try {
        pools = await minePools(all.vectors, all.labels, {
          policy: mining.policy,
          positivesPerAnchor: POSITIVES,
          negativesPerAnchor: NEGATIVES,
          trim: mining.trim,
          seed,
          anchors: everyNth(positions, ANCHORS),
          exclude: sampler.state().excluded,
          signal,
        });
      } catch (error) {
        if (!(error instanceof NothingToMine)) throw error;
      }
      sampler.setPools(pools);
      const shown = sampleTriplets(all.vectors, all.labels, pools, { count: TRIPLETS, seed });
      return tell(epoch, shown, (place) => place);
    }
    return tell(epoch, sampleTriplets(vectors, labels, undefined, { count: TRIPLETS, seed }), (row) => positions[row]!);
  }

  function tell(epoch: number, triplets: ReturnType<typeof sampleTriplets>, positionOf: (place: number) => number) {
    const placeOf = (place: number) => material.train[positionOf(place)]!;
    const named = triplets.map((triplet) => ({
      ...triplet,
      anchor: placeOf(triplet.anchor),
      positive: placeOf(triplet.positive),
      negative: placeOf(triplet.negative),
    }));
    return listener.triplets(epoch, named);
  }

  /** Matrix products are not cut short by a signal's error alone: it is the run's own. */
  async function stoppable<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      throw signal.aborted ? new LearningCancelled() : error;
    }
  }

  const placesAt = (positions: Int32Array) => positions.map((position) => placesOf.train(position));

  const endOfEpoch = async (
    trainer: Trainer,
    { number, step, cleaned }: Parameters<PhaseRun["endOfEpoch"]>[1],
  ): Promise<EpochOutcome> => {
    // The epoch's end that lies nearest to the share asked for.
    const cleanFrom = (recipe.cleaning?.at ?? 2) * options.steps - options.steps / options.epochs / 2;
    const cleanNow = options.last && !cleaned && step >= cleanFrom && step < options.steps;
    const whole = options.last && (cleanNow || recipe.mining !== undefined);
    const positions = whole ? readable : everyNth(readable, GALLERY);
    const gallery = await embed(trainer, placesAt(positions));
    const labels = positions.map((position) => material.trainLabels[position]!);
    let validation: ValidationFigures | undefined;
    if (queries.length > 0) {
      const vectors = await embed(
        trainer,
        queries.map((index) => placesOf.validation(index)),
      );
      const kept = whole ? everyNth(Int32Array.from(positions.keys()), GALLERY) : undefined;
      validation = await validate(
        { vectors, labels: queries.map((index) => options.validation.labels[index]!) },
        kept === undefined
          ? { vectors: gallery, labels }
          : { vectors: rowsAt(gallery, kept), labels: kept.map((row) => labels[row]!) },
        signal,
      );
    }
    const didClean = cleanNow && (await stoppable(clean(gallery, positions, step)));
    if (options.last) await stoppable(mine(gallery, positions, number));
    return { ...(validation && { validation }), ...meanDistances(gallery, labels), cleaned: cleaned || didClean };
  };
  return {
    endOfEpoch,
    async begin(trainer) {
      if (!options.last || recipe.mining === undefined) return;
      await stoppable(mine(await embed(trainer, placesAt(readable)), readable, options.epochsBefore));
    },
  };
}

/** Rows at their positions; zeros where there is none. */
function scattered({ data, dims }: UnitVectors, positions: Int32Array, count: number): UnitVectors {
  if (count === positions.length) return { data, count, dims };
  const all = new Float32Array(count * dims);
  for (const [row, position] of positions.entries()) {
    all.set(data.subarray(row * dims, (row + 1) * dims), position * dims);
  }
  return { data: all, count, dims };
}

function complement(count: number, kept: Int32Array): number[] {
  const there = new Set(kept);
  return Array.from({ length: count }, (_, position) => position).filter((position) => !there.has(position));
}
