/** Loops over stretches of flat arrays, in place. `from` and `to` are element positions. */
export interface VectorKernel {
  adamw(arrays: AdamWArrays, from: number, to: number, coefficients: AdamWCoefficients): void;
  /** v ← μv + g + λw,  w ← w − ηv. */
  sgd(arrays: SgdArrays, from: number, to: number, coefficients: SgdCoefficients): void;
  /** a ← kept · a + (1 − kept) · w, over everything. */
  average(averages: Float32Array, weights: Float32Array, kept: number): void;
  /** x ← share · x, over everything. */
  scale(values: Float32Array, share: number): void;
  /** Σx² over everything. */
  squares(values: Float32Array): number;
}

export interface AdamWArrays {
  readonly weights: Float32Array;
  readonly gradient: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  w ← kept · w − reach · m / (√v · scale + ε). */
export interface AdamWCoefficients {
  readonly beta1: number;
  readonly beta2: number;
  readonly kept: number;
  readonly reach: number;
  readonly scale: number;
  readonly epsilon: number;
}

export interface SgdArrays {
  readonly weights: Float32Array;
  readonly gradient: Float32Array;
  readonly velocity: Float32Array;
}

export interface SgdCoefficients {
  readonly rate: number;
  readonly momentum: number;
  readonly decay: number;
}
