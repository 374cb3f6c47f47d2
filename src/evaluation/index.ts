export * from "./evaluation.errors.js";
export { createEvaluation, type EvaluationDependencies } from "./evaluation.js";
export type * from "./evaluation.type.js";
export type { Labels } from "./labels.js";
