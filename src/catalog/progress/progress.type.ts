import type { EmbeddingProgressObject, ImportRunObject } from "./progress.object.js";

/** Progress as it is made, a value when something changed. Ends when there is nothing more to come, or on the signal. */
export interface ProgressSource {
  /** Until the run has ended. Nothing for an id that nobody has. */
  importRun(id: string, signal: AbortSignal): AsyncGenerator<ImportRunObject>;
  /** For as long as somebody listens. */
  embedding(signal: AbortSignal): AsyncGenerator<EmbeddingProgressObject>;
}
