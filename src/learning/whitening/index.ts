export { buildFeatureModel, FEATURES, type FeatureSession, openFeatureSession } from "./feature-session.js";
export { featuresOf } from "./features.js";
export { fitHalfWhitening, fitReduction } from "./fit-projection.js";
export { type JoinedModel, joinWithWhitenedBase, type TunedModel } from "./join-with-base.js";
export { type LearntWhitening, learnWhitening, type WhiteningInput } from "./learn-whitening.js";
export { joinVectors, projectVectors } from "./project-vectors.js";
export type { FitOptions, Projection } from "./projection.type.js";
export { buildWhitenedModel, type WhitenedModelParts } from "./whitened-model.js";
export * from "./whitening.errors.js";
