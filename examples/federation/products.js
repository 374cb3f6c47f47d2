// @ts-check
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])

  type Product @key(fields: "id") {
    id: ID!
    name: String!
  }
  type Query {
    product(id: ID!): Product
  }
`);

/** @param {{ id: string }} reference */
const find = ({ id }) => ({ id, name: `Product ${id}` });

/** The subgraph of products that a shop has already. Its ids are those that Lookalike imported the products with. */
export async function startProducts() {
  const resolvers = {
    Query: { product: (/** @type {unknown} */ _, /** @type {{ id: string }} */ args) => find(args) },
    Product: { __resolveReference: find },
  };
  const server = new ApolloServer({
    schema: buildSubgraphSchema({ typeDefs, resolvers }),
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
  return { url, stop: () => server.stop() };
}
