import type { Config } from "../../config.js";
import type { DistributionReport, MinedTriplet, Suspect } from "../../mining/mining.type.js";
import type {
  GuardRecord,
  LearningEpoch,
  LearningPlan,
  LearningRequest,
  LearningStage,
  ValidationFigures,
} from "../learning.type.js";

/**
 * To a trainer process, once. It has no database: everything it needs is named here. Its configuration comes without the
 * secrets that it has no use for.
 */
export interface TrainerStart {
  readonly kind: "start";
  readonly config: Config;
  readonly runId: string;
  readonly request: LearningRequest;
  /** Encoder that is tuned, by manifest name. */
  readonly encoder: string;
  /** Keys in the artefact store. */
  readonly snapshotKey: string;
  readonly snapshotSha256: string;
  readonly checkpointKey: string | null;
  readonly checkpointSha256: string | null;
  /** Where the trained encoder and checkpoints go: keys of this attempt alone, which an orphaned trainer cannot touch. */
  readonly modelKey: string;
  readonly nextCheckpointKeys: readonly [string, string];
}

/** To a trainer process: stop at the next step, after a checkpoint. */
export interface TrainerCancel {
  readonly kind: "cancel";
}

export type ToTrainer = TrainerStart | TrainerCancel;

/** From a trainer process. Each is acknowledged by nothing: order is kept by the channel. */
export type FromTrainer =
  | { readonly kind: "plan"; readonly plan: LearningPlan }
  | {
      readonly kind: "progress";
      readonly stage: LearningStage;
      readonly done: number;
      readonly total: number;
      readonly secondsLeft: number | null;
    }
  | { readonly kind: "epoch"; readonly epoch: LearningEpoch }
  | { readonly kind: "triplets"; readonly epoch: number; readonly triplets: readonly MinedTriplet[] }
  | { readonly kind: "guard"; readonly record: GuardRecord }
  | { readonly kind: "suspects"; readonly suspects: readonly Suspect[] }
  | { readonly kind: "distribution"; readonly when: "before" | "after"; readonly report: DistributionReport }
  | { readonly kind: "checkpoint"; readonly key: string; readonly sha256: string; readonly step: number }
  | {
      readonly kind: "finished";
      readonly modelKey: string;
      readonly sha256: string;
      readonly dims: number;
      readonly validation: ValidationFigures | null;
      readonly baseValidation: ValidationFigures | null;
      readonly steps: number;
      readonly seconds: number;
      readonly timings: Readonly<Record<string, number>>;
    }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
