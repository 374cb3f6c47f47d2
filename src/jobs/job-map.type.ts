/** Every background job: its name and what it carries. Payloads hold ids, never copies of rows. */
export interface JobMap {
  /** Reads the feed of one import run. */
  "import-catalog": { readonly importRunId: string };
  /** Fetches one photo through the guarded fetcher into the blob store. */
  "fetch-photo": { readonly imageId: string };
  /** Embeds one photo's content with one model version and refreshes the vectors of the products that show it. */
  "embed-photo": { readonly blobId: string; readonly modelId: number };
  /** Trains a model in a process of its own, then hands over to `refresh-model`. */
  "train-model": { readonly runId: string };
  /** Makes a candidate's vectors beside the live ones, then lets the gate decide where a run asked for it. */
  "refresh-model": { readonly modelId: number };
}

export type JobName = keyof JobMap;
