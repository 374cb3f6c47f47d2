export * from "./distribution.errors.js";
export { saveDistribution } from "./distribution.repository.js";
export type * from "./distribution.type.js";
export { drawDistributions } from "./distribution-picture.js";
export { createDistributions, type DistributionsDependencies } from "./distributions.js";
