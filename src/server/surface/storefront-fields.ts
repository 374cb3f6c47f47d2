/** Root fields by the type that has them. */
export type RootFields = Readonly<Partial<Record<"Query" | "Mutation" | "Subscription", readonly string[]>>>;

/**
 * What a storefront asks: everything that needs no administrator. Names that this version does not have are passed over.
 */
export const STOREFRONT_FIELDS: RootFields = {
  Query: ["product", "products", "similarItems", "similarItemsByImage", "similarItemsTo"],
  Mutation: ["recordInteractions"],
};

/** The same for a supergraph, where products are another subgraph's business. */
export const SUBGRAPH_FIELDS: RootFields = {
  Query: ["similarItems", "similarItemsByImage", "similarItemsTo"],
  Mutation: ["recordInteractions"],
};
