import type { Config } from "../config.js";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import type { DistributionReport, MinedTriplet, Suspect } from "../mining/mining.type.js";
import type { Snapshot } from "./snapshot/snapshot.type.js";

/**
 * auto: by photos, memory, device and budget. whitening: phase 0, no labels. head: phase A. last-blocks: phase B.
 * full: phase C. growing: for catalogs whose labels keep growing. seed: the recipe of the seed repository.
 */
export type RecipeName = "auto" | "whitening" | "head" | "last-blocks" | "full" | "growing" | "seed";

export interface LearningRequest {
  readonly recipe: RecipeName;
  /** All of a run's work, from caching to the last validation; a run that goes on has what is left of it. */
  readonly budgetMinutes: number;
  readonly seed: number;
  readonly device: Config["device"];
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
  /** Bytes that a step may take; absent: half of what the machine has free. */
  readonly memoryBudget?: number;
  /** Overrides of the recipe, for experiments and benchmarks. Validated by the recipe. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** What the loop reads; it knows no database. */
export interface LearningInput {
  readonly request: LearningRequest;
  readonly snapshot: Snapshot;
  readonly encoder: InstalledEncoder;
  readonly maxPixels: number;
  readPhoto(contentHash: string): Promise<Buffer>;
  /** Folder for caches of this run; may be empty or hold those of an earlier attempt. */
  readonly workFolder: string;
  /** Bytes of the last checkpoint of this run, to go on from. */
  readonly checkpoint?: Uint8Array;
}

export type LearningStage = "plan" | "caching" | "head" | "trunk" | "full" | "validation" | "export";

/** The phases a run goes through, as they were decided, with the reason for people. */
export interface LearningPlan {
  readonly recipe: Exclude<RecipeName, "auto">;
  readonly reason: string;
  readonly device: "cpu" | "cuda" | "webgpu";
  readonly photos: { readonly train: number; readonly validation: number; readonly test: number };
  readonly labels: number;
  readonly phases: readonly {
    readonly stage: LearningStage;
    readonly steps: number;
    readonly batch: number;
    readonly views: number;
    readonly estimatedSeconds: number;
    readonly description: string;
  }[];
}

/** Of the validation split against the training split, cosine, unit vectors. */
export interface ValidationFigures {
  readonly recallAt1: number;
  readonly precisionAt1: number;
  readonly recallAt10: number;
  readonly meanAveragePrecision: number;
  readonly mapAtR: number;
}

export interface LearningEpoch {
  /** 1 for the first; unique in a run. */
  readonly epoch: number;
  readonly stage: LearningStage;
  readonly step: number;
  readonly loss: number;
  readonly active: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly validation?: ValidationFigures;
  readonly meanPositiveDistance?: number;
  readonly meanNegativeDistance?: number;
  readonly seconds: number;
}

export type GuardName = "collapse" | "not-a-number" | "plateau" | "label-noise" | "single-label-batch";

export interface GuardRecord {
  readonly guard: GuardName;
  readonly step: number;
  /** What was seen and what was done, one line for people. */
  readonly action: string;
}

/** How the loop tells what it does. Calls are awaited, so that a checkpoint is safe before work goes on. */
export interface LearningListener {
  plan(plan: LearningPlan): Promise<void>;
  /** At most a few times a second. */
  progress(progress: {
    readonly stage: LearningStage;
    readonly done: number;
    readonly total: number;
    readonly secondsLeft: number | null;
  }): Promise<void>;
  epoch(epoch: LearningEpoch): Promise<void>;
  /** Places are positions in `snapshot.photos`. */
  triplets(epoch: number, triplets: readonly MinedTriplet[]): Promise<void>;
  guard(record: GuardRecord): Promise<void>;
  suspects(suspects: readonly Suspect[]): Promise<void>;
  distribution(when: "before" | "after", report: DistributionReport): Promise<void>;
  checkpoint(bytes: Uint8Array, step: number): Promise<void>;
}

/** A trained encoder: photos → unit vectors, an ordinary ONNX model. */
export interface LearningResult {
  readonly model: Uint8Array;
  /** Input of the graph is the base encoder's; output "embedding" `[batch, dims]`, unit length. */
  readonly dims: number;
  readonly validation: ValidationFigures | undefined;
  readonly baseValidation: ValidationFigures | undefined;
  readonly steps: number;
  /** Of all attempts. */
  readonly seconds: number;
  /** Seconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/**
 * Learns from a snapshot. Stops at the next step when the signal is aborted, after a last checkpoint.
 * @throws NotEnoughData, LearningCancelled, and what createTrainer throws
 */
export type Learn = (input: LearningInput, listener: LearningListener, signal: AbortSignal) => Promise<LearningResult>;
