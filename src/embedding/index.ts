export { createEmbedPhotos, EMBED_PHOTOS_BATCHES, type EmbedPhotosDependencies } from "./embed-photos.job.js";
export { createEmbedder, type EmbedderOptions } from "./embedder.js";
export type { Embedder, Embedders } from "./embedder.type.js";
export { createEmbedders, type EmbeddersDependencies } from "./embedders.js";
export * from "./embedding.errors.js";
export { createPreprocessor, type PreprocessOptions, type Preprocessor } from "./preprocess.js";
