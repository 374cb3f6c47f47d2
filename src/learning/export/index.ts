export { averageFlips } from "./average-flips.js";
export { describeModel, type ModelDescription } from "./describe-model.js";
export { EMBEDDING, type EmbeddingModel, readEmbeddingModel } from "./embedding-model.js";
export * from "./export.errors.js";
export { joinModels, reduceModel } from "./join-models.js";
