export { DEFAULT_ENCODER } from "./default-encoder.js";
export * from "./encoder.type.js";
export * from "./encoder-errors.js";
export { createEncoderRegistry, type EncoderRegistryDependencies } from "./encoder-registry.js";
