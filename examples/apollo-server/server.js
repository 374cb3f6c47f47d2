// @ts-check
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { lookalike } from "lookalike";

// The shop's schema has a Product of its own, so Lookalike's types get a prefix. Of its queries, the search by picture
// is taken over as it is.
const plugin = await lookalike({
  data: "lookalike-data",
  typePrefix: "Lookalike",
  fields: ["similarItemsByImage"],
});
// It fetches and embeds photos, in a process of its own.
await plugin.startWorker();

const typeDefs = `#graphql
  type Product {
    id: ID!
    name: String!
    similarItems(first: Int = 6): LookalikeSimilarItemConnection
  }
  type Query {
    product(id: ID!): Product
  }
`;

const resolvers = {
  Query: {
    product: (/** @type {unknown} */ _, /** @type {{ id: string }} */ { id }) => ({ id, name: `Product ${id}` }),
  },
  Product: {
    /**
     * @param {{ id: string }} product
     * @param {{ first: number }} args
     * @param {import("lookalike").LookalikeContext} context
     */
    similarItems: (product, args, context) => plugin.similarItems(product.id, args, context),
  },
};

/** @type {ApolloServer<import("lookalike").LookalikeContext>} */
const server = new ApolloServer({
  typeDefs: [typeDefs, plugin.typeDefs],
  resolvers: [resolvers, plugin.resolvers],
  stopOnTerminationSignals: false,
});
const { url } = await startStandaloneServer(server, {
  listen: { host: "127.0.0.1", port: Number(process.env.PORT ?? 4000) },
  context: async ({ req }) => ({ ...(await plugin.createContext(req)) }),
});
console.log(`listening at ${url}`);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, async () => {
    await server.stop();
    await plugin.close();
  });
}
