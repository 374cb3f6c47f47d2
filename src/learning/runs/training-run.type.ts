import type { GateDecision } from "../../evaluation/judge.type.js";
import type { PromotePolicy, TrainingState } from "../../generated/prisma/enums.js";
import type { Gate } from "../../models/gate.type.js";
import type { GuardRecord, LearningPlan, LearningStage, ValidationFigures } from "../learning.type.js";
import type { TrainingRequest } from "./training-request.js";

export type { PromotePolicy, TrainingState } from "../../generated/prisma/enums.js";

/** Where a run is. A worker does the first, a trainer process those of learning, the refresh of its model the last. */
export type RunStage = "snapshot" | LearningStage | "refresh" | "index" | "gate";

/** What a finished training leaves in its run. */
export interface TrainingResult {
  readonly dims: number;
  readonly validation: ValidationFigures | null;
  readonly baseValidation: ValidationFigures | null;
  readonly steps: number;
  readonly seconds: number;
  /** Seconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/** How well a run found the labels that were replaced on purpose. */
export interface SuspectAccuracy {
  /** Training photos whose label was replaced. */
  readonly replaced: number;
  readonly suspected: number;
  /** Suspected photos whose label was replaced. */
  readonly found: number;
  /** Share of the suspected that were replaced; 0 when none is suspected. */
  readonly precision: number;
  /** Share of the replaced that are suspected. */
  readonly recall: number;
}

/** One row of training_run; prisma/schema.prisma has the meaning of the columns. */
export interface TrainingRun {
  readonly id: string;
  readonly state: TrainingState;
  readonly stage: RunStage | null;
  readonly done: number;
  readonly total: number;
  readonly secondsLeft: number | null;
  readonly request: TrainingRequest;
  readonly promote: PromotePolicy;
  readonly encoder: string;
  readonly parentId: number;
  readonly modelId: number | null;
  readonly plan: LearningPlan | null;
  readonly device: string | null;
  readonly host: string | null;
  readonly snapshotKey: string | null;
  readonly snapshotSha256: string | null;
  readonly checkpointKey: string | null;
  readonly checkpointSha256: string | null;
  readonly checkpointStep: number | null;
  /** Null unless the request had labels replaced, and until the run has looked for suspects. */
  readonly suspectAccuracy: SuspectAccuracy | null;
  readonly guards: readonly GuardRecord[];
  readonly result: TrainingResult | null;
  /** What was compared and decided; a judge of another kind may say less than ours. */
  readonly gate: (Gate & Partial<GateDecision>) | null;
  readonly failureCode: string | null;
  readonly failure: string | null;
  readonly attempts: number;
  readonly cancelRequestedAt: Date | null;
  readonly seenAt: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/**
 * One attempt at a run. What it writes counts only while the run is still on it: a worker that was taken for dead and
 * lost its run to another one writes nothing any more.
 */
export interface RunAttempt {
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempts: number;
}

export interface RunFailure {
  readonly code: string;
  readonly message: string;
}

/** States that a run does not leave by itself. */
export const ENDED: readonly TrainingState[] = ["SUCCEEDED", "CANCELLED", "FAILED"];
