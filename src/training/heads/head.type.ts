/** How a value of the encoder becomes one vector a photo. */
export type Pooling = "average" | "max" | "cls" | "mean-tokens" | "none";

/** One part of what the head sees. Parts before the cut are frozen; they are computed with the boundary. */
export interface FeatureSpecification {
  /** Name of a value of the encoder: its output, or an earlier one. */
  readonly value: string;
  /** average, max: over the places of a feature map; cls: the first token; mean-tokens: all; none: a vector already. */
  readonly pooling: Pooling;
  /** Feature maps are [batch, height, width, channels] and not [batch, channels, height, width]. */
  readonly channelsLast?: boolean;
}

/** What stands between the encoder's features and the embedding, which is always of unit length. */
export interface HeadSpecification {
  /** Several ones are each brought to unit length and joined. */
  readonly features: readonly FeatureSpecification[];
  /** Subtract a mean and divide by a deviation given by `trainer.standardise`, per joined feature. */
  readonly standardise?: boolean;
  /** Share of the joined features that each training step hides. */
  readonly dropout?: number;
  readonly layers:
    | { readonly kind: "none" }
    | { readonly kind: "linear"; readonly dims: number }
    /** Linear → ReLU for every hidden width, then linear. */
    | { readonly kind: "mlp"; readonly hidden: readonly number[]; readonly dims: number };
}

/** Mean and deviation of every joined feature over some photos, for `standardise`. */
export interface FeatureStatistics {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}
