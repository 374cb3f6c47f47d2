/** A loaded encoder: photo bytes in, unit vectors out. */
export interface Embedder {
  readonly dims: number;
  /** Device that runs it, as probed: never a silent fallback. */
  readonly device: "cpu" | "cuda" | "webgpu";
  /**
   * Decodes and embeds photos in order, decode overlapped with inference.
   * @returns one unit vector `[dims]` a photo, or the PhotoUnreadable that says why not
   */
  embed(photos: readonly Buffer[], signal?: AbortSignal): Promise<(Float32Array | Error)[]>;
  close(): Promise<void>;
}

export interface Embedders {
  /** The embedder of a model version, loaded once and kept. */
  forModel(modelId: number): Promise<Embedder>;
}
