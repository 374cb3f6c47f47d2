export * from "./artefact-store.errors.js";
export { createArtefactStore } from "./artefact-store.js";
export type * from "./artefact-store.type.js";
export type * from "./model-version.type.js";
export * from "./model-versions.errors.js";
export { createModelVersions, type ModelVersionsDependencies } from "./model-versions.js";
