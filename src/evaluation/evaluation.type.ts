export interface EvaluationRequest {
  /** `active`, `base` (the encoder as it came) or the id of a version. */
  readonly model: string;
  /** `category` (the whole path), `group`, `product` (other photos of it) or `attribute:NAME`. */
  readonly labels: string;
  /** Which items are asked for. */
  readonly split: "all" | "test";
  /** `same`: among the items of `split`, without the one asked for. `train`: among the training split. */
  readonly gallery: "same" | "train";
}

/** Means over the queries; the definitions stand in ranking-metrics.ts. */
export interface EvaluationReport {
  readonly model: string;
  readonly labels: string;
  readonly split: string;
  /** Items asked for that have at least one relevant item. */
  readonly queries: number;
  /** Labelled items of the split that have none, and were left out. */
  readonly queriesWithoutRelevant: number;
  /** Items searched among. */
  readonly gallery: number;
  readonly recallAt1: number;
  readonly recallAt10: number;
  readonly mapAtR: number;
  readonly precisionAt1: number;
  readonly precisionAt10: number;
  readonly meanAveragePrecision: number;
  readonly seconds: number;
}

export interface Evaluation {
  /**
   * Measures how well a model's vectors rank what belongs together. Products compare by their own vectors, labels
   * `product` by photos. Only active products.
   * @throws BadUserInput (unknown label or model), NothingToEvaluate
   */
  evaluate(request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluationReport>;
}
