export type { FeatureSpecification, FeatureStatistics, HeadSpecification, Pooling } from "./heads/index.js";
export type { LossSpecification } from "./losses/index.js";
export type { OptimiserSpecification, ParameterGroup, Schedule } from "./optimisers/index.js";
export type { EncoderGraph } from "./prepare-encoder.js";
export type { Device } from "./runtime-session.js";
export { createTrainer } from "./trainer.js";
export type * from "./trainer.type.js";
export * from "./training.errors.js";
