/** Boundary values by name, all photos of a value one after the other: what `Trainer` takes. */
export type BoundaryValues = Record<string, Float32Array>;

/** Where a phase takes its photos from. Places are positions in the snapshot. */
export interface ViewSource {
  /** Values of one view of each place. */
  batch(places: ArrayLike<number>, views: ArrayLike<number>): Promise<BoundaryValues>;
}

/** A boundary value and its numbers a photo. */
export interface ValueLength {
  readonly name: string;
  readonly length: number;
}
