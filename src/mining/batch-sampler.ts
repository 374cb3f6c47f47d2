import { drawBatch } from "./draw-batch.js";
import { injectPartners } from "./inject-partners.js";
import { type LabelLists, listByLabel } from "./label-lists.js";
import { NothingToMine } from "./mining.errors.js";
import type { MinedPools, SampledBatch } from "./mining.type.js";
import { packSamplerState, type SamplerState, unpackPools } from "./sampler-state.js";

export interface BatchSamplerOptions {
  /** One a notion of similar: a label a photo (−1: none), and its share of the batches relative to the others. */
  readonly rules: readonly { readonly labels: Int32Array; readonly weight: number }[];
  /** P and K: so many labels a batch and so many photos of each. */
  readonly labelsPerBatch: number;
  readonly photosPerLabel: number;
  /** Views that there are of each photo; which one a batch shows is drawn. */
  readonly views: number;
  /** Mined partners of each of the P×K photos. Default 0. Where none is mined, photos are drawn in their place. */
  readonly injectPositives?: number;
  readonly injectNegatives?: number;
  readonly seed: number;
  /** Places that are never drawn, whatever `setExcluded` says later. */
  readonly exclude?: Iterable<number>;
}

export interface BatchSampler {
  /** Photos of every batch: P × K × (1 + injected positives + injected negatives). */
  readonly size: number;
  /** The next batch. It holds two labels at least, and two photos or views of some label. */
  next(): SampledBatch;
  /** What is injected from now on: pools of the first rule, or one a rule. */
  setPools(pools: MinedPools | undefined | readonly (MinedPools | undefined)[]): void;
  /**
   * Places that are not drawn from now on, in place of those named before; those of the options stay excluded.
   * @throws NothingToMine  when too few labels are left; then nothing changes
   */
  setExcluded(places: Iterable<number>): void;
  /** All that the next batches follow from besides the options, pools included. JSON. */
  state(): SamplerState;
  /** @throws RangeError  for a state of other options */
  restore(state: SamplerState): void;
}

/** A rule, ready to be drawn from. */
export interface DrawableRule {
  readonly index: number;
  readonly labelOf: Int32Array;
  /** Of the photos that may be drawn. */
  readonly lists: LabelLists;
  /** Labels of which a pair can be shown. */
  readonly labels: Int32Array;
}

/** Successive multiples of it, modulo 1, visit every interval in proportion to its length (Weyl). */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Draws batches of P labels × K photos for training by triplets, and adds mined partners. Everything that is drawn
 * follows from the seed and the number of the batch, so that a resumed run draws what the first one would have.
 * @throws NothingToMine  when a rule has fewer than two labels with two photos (or views) each
 */
export function createBatchSampler(options: BatchSamplerOptions): BatchSampler {
  const { injectPositives = 0, injectNegatives = 0, seed } = options;
  const photos = options.rules[0]?.labels.length ?? 0;
  const always = new Uint8Array(photos);
  for (const place of options.exclude ?? []) always[place] = 1;
  const shares = cumulativeShares(options.rules.map(({ weight }) => weight));
  const drawn = options.labelsPerBatch * options.photosPerLabel;
  if (options.labelsPerBatch < 2 || options.photosPerLabel < 2) {
    throw new RangeError("a batch takes two labels and two photos of each at least");
  }
  const injecting = { positives: injectPositives, negatives: injectNegatives };
  let step = 0;
  let excluded: number[] = [];
  let pools: readonly (MinedPools | undefined)[] = [];
  let rules = rulesWithout(excluded);

  function rulesWithout(places: readonly number[]): DrawableRule[] {
    const hidden = always.slice();
    for (const place of places) hidden[place] = 1;
    return options.rules.map(({ labels }, index) => drawableRule(index, labels, options.views, hidden));
  }

  return {
    size: drawn * (1 + injectPositives + injectNegatives),
    next() {
      const turn = (step * GOLDEN) % 1;
      const rule =
        rules[
          Math.max(
            0,
            shares.findIndex((share) => turn < share),
          )
        ]!;
      const batch = drawBatch(rule, { ...options, seed, step });
      if (injectPositives + injectNegatives > 0) {
        injectPartners(batch, rule, pools[rule.index], { ...injecting, views: options.views, seed, step });
      }
      step += 1;
      return {
        photos: Int32Array.from(batch.photos),
        views: Int32Array.from(batch.views),
        labels: Int32Array.from(batch.photos, (photo) => rule.labelOf[photo]!),
        anchors: Float32Array.from(batch.anchors),
        rule: rule.index,
      };
    },
    setPools(next) {
      pools = isList(next) ? next : [next];
    },
    setExcluded(places) {
      const next = [...new Set(places)].sort((left, right) => left - right);
      rules = rulesWithout(next);
      excluded = next;
    },
    state: () => packSamplerState({ photos, step, excluded, pools }),
    restore(state) {
      if (state.format !== 1 || state.photos !== photos) {
        throw new RangeError(`This sampler draws from ${photos} photos; the state is of ${state.photos}.`);
      }
      rules = rulesWithout(state.excluded);
      excluded = [...state.excluded];
      pools = unpackPools(state);
      step = state.step;
    },
  };
}

function isList<Item>(value: Item | undefined | readonly Item[]): value is readonly Item[] {
  return Array.isArray(value);
}

function drawableRule(index: number, labelOf: Int32Array, views: number, hidden: Uint8Array): DrawableRule {
  const lists = listByLabel(labelOf, (place) => hidden[place] === 0);
  const labels = lists.labels.filter((label) => lists.photosOf(label).length * views > 1);
  if (labels.length < 2) {
    throw new NothingToMine(
      `Only ${labels.length} of ${lists.labels.length} labels have two photos to compare, and learning takes two such ` +
        "labels at least. Give more photos a label, or learn from several views of each photo.",
    );
  }
  return { index, labelOf, lists, labels };
}

function cumulativeShares(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || weights.some((weight) => !(weight >= 0))) {
    throw new RangeError(`weights of rules must be above 0, not ${weights.join(", ")}`);
  }
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
}
