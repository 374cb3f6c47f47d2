/** Vectors of unit length, one after the other, `[count, dims]`. */
export interface UnitVectors {
  readonly data: Float32Array;
  readonly count: number;
  readonly dims: number;
}

/** Where distances gather: see Taking "easy" and "hard" relative to the two peaks, docs/learning.md. */
export interface Bands {
  /** Distance at the peak of the positive pairs; farther positives are hard. */
  readonly positivePeak: number;
  /** Distance at the peak of the negative pairs; nearer negatives are hard. */
  readonly negativePeak: number;
}

export interface Histogram {
  /** Lower edge of the first bin and width of each, in cosine distance (0 … 2). */
  readonly from: number;
  readonly width: number;
  readonly counts: readonly number[];
}

/** How distances of positive and of negative pairs lie. Distances are cosine, 0 … 2. */
export interface DistributionReport {
  readonly photos: number;
  readonly positivePairs: number;
  /** Whether these are all there are, or a fair sample. */
  readonly allPositives: boolean;
  /** Negative pairs looked at; `allNegatives` says whether these are all there are. */
  readonly negativePairs: number;
  readonly allNegatives: boolean;
  readonly positive: Histogram;
  readonly negative: Histogram;
  readonly bands: Bands;
  /** Share of pairs on each side of the peaks. */
  readonly easyPositives: number;
  readonly hardPositives: number;
  readonly hardNegatives: number;
  readonly easyNegatives: number;
  /** Area that both densities share, 0 … 1. */
  readonly overlap: number;
  /** Distance of the means in pooled deviations. */
  readonly dPrime: number;
  /** Distance at which as many positives are beyond as negatives within, and that share. */
  readonly equalErrorThreshold: number;
  readonly equalErrorRate: number;
  readonly meanPositive: number;
  readonly meanNegative: number;
}

/** Mined partners of photos over the whole catalog. Places are positions in the vectors that were mined. */
export interface MinedPools {
  /** For photo i, places from `positiveStart[i]` to `positiveStart[i + 1]` in `positives`, hardest first. */
  readonly positives: Int32Array;
  readonly positiveStart: Int32Array;
  readonly negatives: Int32Array;
  readonly negativeStart: Int32Array;
  readonly bands: Bands;
}

/** A triplet kept for people to look at, distances as they were when it was mined. */
export interface MinedTriplet {
  readonly anchor: number;
  readonly positive: number;
  readonly negative: number;
  readonly positiveDistance: number;
  readonly negativeDistance: number;
}

/** One batch: places of photos, which view of each, their labels, and who is an anchor (0: injected partner). */
export interface SampledBatch {
  readonly photos: Int32Array;
  readonly views: Int32Array;
  readonly labels: Int32Array;
  readonly anchors: Float32Array;
  /** Which rule of the snapshot the labels are of. */
  readonly rule: number;
}

/** A photo whose nearest others mostly carry another label. */
export interface Suspect {
  readonly photo: number;
  readonly label: number;
  /** Share of its nearest others that have its label. */
  readonly agreement: number;
  /** The label that most of its nearest others have. */
  readonly suggested: number;
}
