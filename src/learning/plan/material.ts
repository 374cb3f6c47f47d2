import { NotEnoughData } from "../learning.errors.js";
import type { Snapshot, SnapshotSplit } from "../snapshot/snapshot.type.js";

/** A snapshot as the loop needs it. Positions are those of the training photos; places those of the snapshot. */
export interface LearningMaterial {
  /** Place of each training photo. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** By rule: a label each training photo (−1: none) and the rule's share of the batches. */
  readonly rules: readonly { readonly labels: Int32Array; readonly weight: number }[];
  /** Labels by the first rule. */
  readonly trainLabels: Int32Array;
  readonly validationLabels: Int32Array;
  /** Labels of the first rule that two training photos have. */
  readonly labels: number;
  /** Photos of one product share a number. */
  readonly products: Int32Array;
  readonly counts: Readonly<Record<SnapshotSplit, number>>;
}

/** Below this nothing that generalises can be learnt; a shop of so few products needs no model of its own. */
const FEWEST_PHOTOS = 8;

/** @throws NotEnoughData */
export function materialOf(snapshot: Snapshot): LearningMaterial {
  const { photos, positives } = snapshot;
  const augmentation = positives.map(({ kind }) => kind === "augmentation");
  const counts = { train: 0, validation: 0, test: 0 };
  for (const { split } of photos) counts[split] += 1;
  const placesOf = (split: SnapshotSplit, keep: (labels: readonly number[]) => boolean) =>
    Int32Array.from(photos.flatMap((photo, place) => (photo.split === split && keep(photo.labels) ? [place] : [])));
  const train = placesOf("train", (labels) => labels.some((label, rule) => label >= 0 || augmentation[rule]));
  const validation = placesOf("validation", ([first = -1]) => first >= 0 && !augmentation[0]);
  const rules = positives.map(({ weight }, rule) => ({
    weight,
    // Every photo is a label of its own: only its other views are its positives.
    labels: Int32Array.from(train, (place, position) => (augmentation[rule] ? position : photos[place]!.labels[rule]!)),
  }));
  const [first] = rules;
  if (first === undefined) throw new NotEnoughData("The snapshot names no notion of similar. Give --positives.");
  const sizes = new Map<number, number>();
  for (const label of first.labels) if (label >= 0) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const labels = augmentation[0] ? train.length : [...sizes.values()].filter((size) => size >= 2).length;
  requireEnough(train.length, labels);
  const numbers = new Map<string, number>();
  const products = Int32Array.from(train, (place) => {
    const { productId } = photos[place]!;
    if (!numbers.has(productId)) numbers.set(productId, numbers.size);
    return numbers.get(productId)!;
  });
  return {
    train,
    validation,
    rules,
    trainLabels: first.labels,
    validationLabels: Int32Array.from(validation, (place) => photos[place]!.labels[0]!),
    labels,
    products,
    counts,
  };
}

function requireEnough(photos: number, labels: number): void {
  if (photos < FEWEST_PHOTOS) {
    throw new NotEnoughData(
      `Only ${photos} training photos have a label; ${FEWEST_PHOTOS - photos} more are needed at least. ` +
        "Import more products, or choose positives that more of them have.",
    );
  }
  if (labels < 2) {
    throw new NotEnoughData(
      `Only ${labels} labels have two training photos to compare; ${2 - labels} more such labels are needed. ` +
        "Choose other positives: category, group, product, or augmentation, which needs no labels.",
    );
  }
}
