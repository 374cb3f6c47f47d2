import type { BatchSampler, SamplerState } from "../../mining/index.js";
import type { Schedule, Trainer, TrainerState } from "../../training/index.js";
import type { StepGuardState } from "../guards/step-guards.js";
import type { LearningListener, LearningStage, ValidationFigures } from "../learning.type.js";
import type { ViewSource } from "../views/view-source.type.js";

/** Where a phase stands. JSON. */
export interface PhasePosition {
  readonly step: number;
  /** Epochs of this phase that are done. */
  readonly epochs: number;
  readonly guards: StepGuardState;
  /** Sums over the epoch under way. */
  readonly sums: { readonly steps: number; readonly loss: number; readonly active: number; readonly norm: number };
  /** Mean average precision after each epoch. */
  readonly history: readonly number[];
  readonly best: ValidationFigures | null;
  readonly cleaned: boolean;
  readonly sampler: SamplerState;
}

/** What is done after an epoch. */
export interface EpochOutcome {
  readonly validation?: ValidationFigures;
  readonly meanPositiveDistance?: number;
  readonly meanNegativeDistance?: number;
  readonly cleaned?: boolean;
}

export interface PhaseRun {
  readonly stage: LearningStage;
  /** One a loss, in turn by epoch. They share one state, which is handed on. */
  readonly trainers: readonly Trainer[];
  readonly sampler: BatchSampler;
  readonly source: ViewSource;
  /** Snapshot place of each position that the sampler draws. */
  readonly places: Int32Array;
  readonly steps: number;
  readonly schedule: Schedule;
  /** Full rate, for the record. */
  readonly learningRate: number;
  readonly epochs: number;
  /** Epochs of phases before this one. */
  readonly epochsBefore: number;
  readonly listener: LearningListener;
  readonly signal: AbortSignal;
  /** When to stop at the end of an epoch, in ms of `performance.now`. */
  readonly deadline: number;
  /** Validates, cleans, mines; `trainer` has the weights of now. */
  endOfEpoch(trainer: Trainer, epoch: { number: number; step: number; cleaned: boolean }): Promise<EpochOutcome>;
  save(trainer: TrainerState, position: PhasePosition, best: Float32Array | undefined): Promise<void>;
}

export interface PhaseStart {
  readonly position: PhasePosition;
  readonly trainer: TrainerState;
  readonly best: Float32Array | undefined;
}

/** A phase that is over. The last trainer holds the weights of the last step. */
export interface PhaseResult {
  readonly trainer: Trainer;
  readonly position: PhasePosition;
  /** Averaged weights of the best validation; of the end where nothing was validated. */
  readonly best: Float32Array;
}
