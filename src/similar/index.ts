export * from "./similar-items.errors.js";
export { createSimilarItems, MOST_ITEMS, type SimilarItemsDependencies } from "./similar-items.js";
export type * from "./similar-items.type.js";
