import { z } from "zod";

/** How the subgraph is offered and how a supergraph names products; part of the configuration (config.ts). */
export const subgraphSettings = {
  subgraph: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe("Serve a Federation 2 subgraph at /subgraph, beside the API at /graphql."),
  productKey: z
    .string()
    .min(1)
    .default("id")
    .describe("Key of Product in the supergraph, whose first field is the platform's id: id, id channel, sku."),
  productSource: z
    .string()
    .min(1)
    .optional()
    .describe("Source that the supergraph's ids are of, needed when several sources use the same ids."),
};
