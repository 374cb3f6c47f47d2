export type * from "./experiment.type.js";
export { createExperimentedEmbedPicture, createExperimentedSimilarItems } from "./experimented-similar-items.js";
export * from "./experiments.errors.js";
export { createExperiments } from "./experiments.js";
export { createAssignVisitor } from "./running-experiments.js";
