export type * from "./model-version.type.js";
export * from "./model-versions.errors.js";
export { createModelVersions, type ModelVersionsDependencies } from "./model-versions.js";
