import { type BatchSampler, findSuspects, NothingToMine, type UnitVectors } from "../../mining/index.js";
import type { Trainer } from "../../training/index.js";
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

export interface EndOfEpochOptions {
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
  /** Only the last phase cleans and mines. */
  readonly last: boolean;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
}

/** What is done between two epochs, with the averaged weights. */
export function createEndOfEpoch(options: EndOfEpochOptions): PhaseRun["endOfEpoch"] {
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

  return async (trainer, { step, cleaned }): Promise<EpochOutcome> => {
    // The epoch's end that lies nearest to the share asked for.
    const cleanFrom = (recipe.cleaning?.at ?? 2) * options.steps - options.steps / options.epochs / 2;
    const cleanNow = options.last && !cleaned && step >= cleanFrom && step < options.steps;
    const whole = cleanNow;
    const positions = whole ? readable : everyNth(readable, GALLERY);
    const gallery = await embed(
      trainer,
      positions.map((position) => placesOf.train(position)),
    );
    const labels = positions.map((position) => material.trainLabels[position]!);
    let validation: ValidationFigures | undefined;
    if (queries.length > 0) {
      const vectors = await embed(
        trainer,
        queries.map((index) => placesOf.validation(index)),
      );
      const kept = whole ? everyNth(Int32Array.from(positions.keys()), GALLERY) : undefined;
      validation = validate(
        { vectors, labels: queries.map((index) => options.validation.labels[index]!) },
        kept === undefined
          ? { vectors: gallery, labels }
          : { vectors: rowsAt(gallery, kept), labels: kept.map((row) => labels[row]!) },
      );
    }
    const didClean = cleanNow && (await clean(gallery, positions, step));
    return { ...(validation && { validation }), ...meanDistances(gallery, labels), cleaned: cleaned || didClean };
  };
}

function complement(count: number, kept: Int32Array): number[] {
  const there = new Set(kept);
  return Array.from({ length: count }, (_, position) => position).filter((position) => !there.has(position));
}
