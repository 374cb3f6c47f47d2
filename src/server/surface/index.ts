export * from "./definitions.js";
export * from "./resolvers-of.js";
export * from "./storefront-fields.js";
