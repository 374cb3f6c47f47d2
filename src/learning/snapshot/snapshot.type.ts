/** What makes two photos positives of each other. AUGMENTATION: only other views of the same photo. */
export type PositiveKind = "product" | "group" | "category" | "augmentation" | `attribute:${string}`;

/** One notion of similar among those that a run learns from. */
export interface PositiveRule {
  readonly kind: PositiveKind;
  /** Share of the batches that are drawn by this notion, relative to the others. */
  readonly weight: number;
}

export type SnapshotSplit = "train" | "validation" | "test";

export interface SnapshotRequest {
  /** Everything that is drawn follows from it: the same catalog and seed give the same snapshot. */
  readonly seed: number;
  readonly positives: readonly PositiveRule[];
  /** Label names of the first rule to learn from; absent: all. As in `evaluate --labels-only`. */
  readonly onlyLabels?: readonly string[];
  readonly excludeLabels?: readonly string[];
  /** Share of training labels of the first rule that are replaced by a wrong one. For benchmarks only. */
  readonly labelNoise?: number;
  /** False for a recipe that learns from no labels: then it is enough that there are photos. Default true. */
  readonly needsLabels?: boolean;
  /** Every training label is drawn at random: what the gate must refuse. For tests only. */
  readonly shuffleLabels?: boolean;
}

export interface SnapshotPhoto {
  readonly imageId: string;
  readonly productId: string;
  readonly blobId: string;
  /** Key in the blob store. */
  readonly contentHash: string;
  readonly split: SnapshotSplit;
  /** Place in `labelNames`, for each rule in order; −1: no label by that rule. */
  readonly labels: readonly number[];
  /** Photos that look alike to the base model share a number and a split; −1: nothing like it. */
  readonly duplicateGroup: number;
}

/** What a run learns from, frozen. Plain data, stored as one JSON document; ids are decimal text. */
export interface Snapshot {
  readonly format: 1;
  readonly seed: number;
  readonly positives: readonly PositiveRule[];
  /** Label names a rule; parts of a path are joined by " > ". */
  readonly labelNames: readonly (readonly string[])[];
  readonly photos: readonly SnapshotPhoto[];
  /**
   * Products with a vector whose label was not selected, split as the others are: nothing is learned from them, and the
   * gate asks about those to test by. Absent where everything was selected.
   */
  readonly notSelected?: readonly { readonly productId: string; readonly split: SnapshotSplit }[];
  /** What was left out, by reason, for people. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** True labels of photos whose label of the first rule was replaced, by place in `photos`. For benchmarks only. */
  readonly replacedLabels?: Readonly<Record<string, number>>;
}
