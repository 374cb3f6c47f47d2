export { checkHead, featureName, joinFeatures, poolFeature, unitLength } from "./features.js";
export type { FeatureSpecification, FeatureStatistics, HeadSpecification, Pooling } from "./head.type.js";
export { buildHead, type HeadValues } from "./head-graph.js";
export { firstHeadWeights, type HeadLayer, headLayers } from "./head-weights.js";
