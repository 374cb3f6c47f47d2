export { findPassingProducts, type PassingProduct } from "./passing-products.js";
export * from "./vectors.errors.js";
export { createVectors, type VectorsDependencies } from "./vectors.js";
export type * from "./vectors.type.js";
