import { ApolloServer } from "@apollo/server";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import fastify from "fastify";
import { buildSchema, type GraphQLSchema } from "graphql";
import { reportCpu } from "./report-cpu.js";

/*
 * Fastify and Apollo Server with one resolver that answers from memory, in the shape of similarItems: what a request
 * costs before anything is searched. Sends its address to the parent and ends with it.
 */

const ITEMS = 20;

const schema: GraphQLSchema = buildSchema(`
  type Query { similarItems(productId: ID!, first: Int, options: Options): Connection! }
  input Options { sameCategory: Boolean }
  type Connection { edges: [Edge!]! }
  type Edge { score: Float! node: Product! }
  type Product { id: ID! title: String! }
`);
const answer = {
  edges: Array.from({ length: ITEMS }, (_, at) => ({
    score: 0.9 - at / 100,
    node: { id: `prod_${1000 + at}`, title: `Product ${1000 + at}` },
  })),
};

const server = fastify({ logger: false });
const apollo = new ApolloServer({
  schema,
  rootValue: { similarItems: async () => answer },
  plugins: [fastifyApolloDrainPlugin(server)],
});
await apollo.start();
await server.register(fastifyApollo(apollo));
process.send?.(await server.listen({ host: "127.0.0.1", port: 0 }));
reportCpu();
process.once("disconnect", () => void server.close().finally(() => process.exit()));
