export type { Embedder, Embedders } from "./embedder.type.js";
export { createEmbedder, type EmbedderOptions } from "./embedder.js";
export { createPreprocessor, type Preprocessor, type PreprocessOptions } from "./preprocess.js";
export * from "./embedding.errors.js";
