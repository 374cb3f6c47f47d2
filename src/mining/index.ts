export { type BatchSampler, type BatchSamplerOptions, createBatchSampler } from "./batch-sampler.js";
export * from "./mining.errors.js";
export type * from "./mining.type.js";
export { type NearestOptions, type Neighbours, nearest } from "./nearest.js";
export type { SamplerState } from "./sampler-state.js";
export { findSuspects, type SuspectOptions } from "./suspects.js";
