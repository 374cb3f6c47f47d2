export {
  type FeatureSpecification,
  type FeatureStatistics,
  type HeadSpecification,
  joinFeatures,
  type Pooling,
  poolFeature,
  unitLength,
} from "./heads/index.js";
export type { LossSpecification } from "./losses/index.js";
export type { OptimiserSpecification, ParameterGroup, Schedule } from "./optimisers/index.js";
export { type BatchPlan, planBatch } from "./plan-batch.js";
export { type EncoderGraph, type PreparedEncoder, prepareEncoder } from "./prepare-encoder.js";
export type { Residency } from "./residency.js";
export type { Device } from "./runtime-session.js";
export { readTrainerState, writeTrainerState } from "./state-file.js";
export { createTrainer } from "./trainer.js";
export type * from "./trainer.type.js";
export * from "./training.errors.js";
export { buildTrainingGraph, STEP, type Trainable, type TrainingGraph } from "./training-graph.js";
