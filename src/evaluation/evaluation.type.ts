/** What a ranking is worth: of one query, or the mean over several. Definitions: ranking-metrics.ts. */
export interface RankingFigures {
  readonly recallAt1: number;
  readonly recallAt10: number;
  readonly mapAtR: number;
  readonly precisionAt1: number;
  readonly precisionAt10: number;
  readonly meanAveragePrecision: number;
}

export type FigureName = keyof RankingFigures;

/** Between these lie 95 % of the bootstrap resamples. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export type FigureIntervals = Readonly<Record<FigureName, Interval>>;

/** Products that were kept aside when a model was trained, as its run's snapshot split them. */
export interface HeldOut {
  /** Those that ask. */
  readonly asked: ReadonlySet<bigint>;
  /** All that are kept aside, whoever asks: none of them answers from a gallery "train". */
  readonly aside: ReadonlySet<bigint>;
}

export interface EvaluationRequest {
  /** `active`, `base` (the encoder as it came) or the id of a version. */
  readonly model: string;
  /** `category` (the whole path), `group`, `product` (other photos of it) or `attribute:NAME`. */
  readonly labels: string;
  /** Which items are asked for; `heldOut` takes its place. */
  readonly split: "all" | "test";
  /**
   * `same`: among the items of `split`, without the one asked for. `train`: among the training split. `all`: among
   * everything, without the one asked for.
   */
  readonly gallery: "same" | "train" | "all";
  /** Ask for and search among items of these labels only: their names, or the last part of a path. */
  readonly onlyLabels?: readonly string[];
  /** Leave these labels out, on both sides. */
  readonly excludeLabels?: readonly string[];
  readonly heldOut?: HeldOut;
}

/** How one item's ranking came out. */
export interface QueryResult {
  /** The product's id, or the photo's where photos ask. */
  readonly item: bigint;
  readonly productId: bigint;
  readonly label: string;
  /** The shelf it stands on, for "where did it get worse": its label, or its category where labels are groups or products. */
  readonly shelf: string;
  /** Products of one group are one observation, and photos of one product: they resemble each other. */
  readonly cluster: string;
  readonly figures: RankingFigures;
}

/** What one model's vectors are worth, query by query. */
export interface Measurement {
  readonly model: { readonly id: number; readonly name: string };
  readonly request: EvaluationRequest;
  readonly results: readonly QueryResult[];
  /** Labelled items of the split that have no relevant item, and were left out. */
  readonly queriesWithoutRelevant: number;
  /** Items searched among. */
  readonly gallery: number;
  readonly seconds: number;
}

/** Figures of the queries that share a label or a shelf. */
export interface LabelFigures extends RankingFigures {
  readonly label: string;
  readonly queries: number;
  readonly intervals: FigureIntervals;
}

/** Means over the queries, with the bootstrap's intervals. */
export interface EvaluationReport extends RankingFigures {
  readonly model: string;
  readonly labels: string;
  readonly split: string;
  /** Items asked for that have at least one relevant item. */
  readonly queries: number;
  /** Labelled items of the split that have none, and were left out. */
  readonly queriesWithoutRelevant: number;
  /** Items searched among. */
  readonly gallery: number;
  readonly seconds: number;
  readonly intervals: FigureIntervals;
  /** By label, or by category where labels are groups or products; most queries first. */
  readonly byLabel: readonly LabelFigures[];
}

/** Two models on the queries that both could answer. Differences are the first less the second. */
export interface Comparison {
  readonly queries: number;
  /** Independent observations among them: products of one group count once. */
  readonly clusters: number;
  readonly first: RankingFigures;
  readonly second: RankingFigures;
  readonly differences: RankingFigures;
  readonly intervals: FigureIntervals;
  readonly byLabel: readonly LabelComparison[];
}

export interface LabelComparison {
  readonly label: string;
  readonly queries: number;
  readonly clusters: number;
  readonly first: RankingFigures;
  readonly second: RankingFigures;
  readonly differences: RankingFigures;
  readonly intervals: FigureIntervals;
  /** The first is worse by MAP@R or R@1 in nearly every resample. */
  readonly worse: boolean;
}

export interface Evaluation {
  /**
   * Measures how well a model's vectors rank what belongs together. Products compare by their own vectors, labels
   * `product` by photos. Only active products.
   * @throws BadUserInput (unknown label or model), NothingToEvaluate
   */
  evaluate(request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluationReport>;
  /** The same, query by query, for comparisons. */
  measure(request: EvaluationRequest, signal?: AbortSignal): Promise<Measurement>;
}
