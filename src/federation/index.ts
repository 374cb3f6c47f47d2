export { createFindReferences, type FindReferences } from "./find-references.js";
export { type KeyField, type ProductKey, parseProductKey } from "./product-key.js";
export { resolveExcluded } from "./resolve-excluded.js";
export { printSubgraph, subgraphDefinitions } from "./subgraph-definitions.js";
export { buildSubgraphSchema } from "./subgraph-schema.js";
