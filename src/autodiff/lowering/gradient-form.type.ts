/** Geometry of a two-dimensional convolution, rows first. */
export interface ConvolutionGeometry {
  readonly group: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Above and on the left. */
  readonly padsBefore: readonly [number, number];
}

/** Geometry of a two-dimensional pooling, rows first. */
export type PoolingWindow = Pick<ConvolutionGeometry, "kernel" | "strides" | "padsBefore">;

/** What a handful of plain gradient nodes computes together, by the value that they end in. */
export type GradientForm =
  /** ∂x = ∂y ∗ᵀ w. */
  | { readonly kind: "input"; readonly dy: string; readonly w: string; readonly geometry: ConvolutionGeometry }
  /** ∂w = x ∗ ∂y. */
  | { readonly kind: "weight"; readonly x: string; readonly dy: string; readonly geometry: ConvolutionGeometry }
  /** ∂b = Σ ∂y over samples and places. */
  | { readonly kind: "bias"; readonly dy: string }
  /** ∂x of y = max of x over a window: ∂y at the first place that equals y. */
  | {
      readonly kind: "maxPool";
      readonly x: string;
      readonly y: string;
      readonly dy: string;
      readonly window: PoolingWindow;
    }
  /** ∂x = ∂y · [low < y < high]. */
  | {
      readonly kind: "clip";
      readonly y: string;
      readonly dy: string;
      readonly low: number | undefined;
      readonly high: number | undefined;
    };
