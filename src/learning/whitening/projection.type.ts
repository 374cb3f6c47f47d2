/** A linear map of vectors: x ↦ (x − mean) · projection, to be made unit length afterwards. */
export interface Projection {
  /** `[width]`. */
  readonly mean: Float32Array;
  /** `[width, dims]`. */
  readonly projection: Float32Array;
  readonly width: number;
  readonly dims: number;
  /** Variance of the vectors along each axis, largest first, before any scaling. */
  readonly variances: Float64Array;
}

export interface FitOptions {
  /** Of the first guess at the axes; 1 by default. Equal seeds give equal projections. */
  readonly seed?: number;
  /** Half-whitening: the power of the variance that axes are divided by; 1/4 by default, 0 for plain axes. */
  readonly exponent?: number | undefined;
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}
