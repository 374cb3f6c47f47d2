export { type AttributionTokens, createAttributionTokens } from "./attribution.js";
export type * from "./interaction.type.js";
export { countOfModel } from "./interaction-report.js";
export * from "./interactions.errors.js";
export { startInteractionMaintenance } from "./maintain-interactions.js";
export { createRecordInteractions, type RecordInteractions } from "./record-interactions.js";
