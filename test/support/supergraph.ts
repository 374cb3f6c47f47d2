import { ApolloGateway, IntrospectAndCompose } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

type SubgraphResolvers = Extract<Parameters<typeof buildSubgraphSchema>[0], { resolvers?: unknown }>["resolvers"];

/** A GraphQL server on loopback. */
export interface RunningGraphql {
  readonly url: string;
  close(): Promise<void>;
}

export interface ProductsSubgraph {
  /** `Product` with its `@key`, and the queries. */
  readonly typeDefs: string;
  readonly resolvers: Record<string, Record<string, (...args: never[]) => unknown>>;
}

/** The subgraph of products that a shop has already: its own Apollo server, made with Apollo's own library. */
export async function serveProductsSubgraph({ typeDefs, resolvers }: ProductsSubgraph): Promise<RunningGraphql> {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])';
  const server = new ApolloServer({
    schema: buildSubgraphSchema({
      typeDefs: parse(link + typeDefs),
      resolvers: resolvers as NonNullable<SubgraphResolvers>,
    }),
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
  return listen(server);
}

/** Apollo's gateway over subgraphs at these addresses, which it introspects and composes. */
export async function serveSupergraph(subgraphs: Readonly<Record<string, string>>): Promise<RunningGraphql> {
  const gateway = new ApolloGateway({
    supergraphSdl: new IntrospectAndCompose({
      subgraphs: Object.entries(subgraphs).map(([name, url]) => ({ name, url })),
    }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return listen(new ApolloServer({ gateway, stopOnTerminationSignals: false }));
}

async function listen(server: ApolloServer): Promise<RunningGraphql> {
  const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
  const port = new URL(url).port;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.stop() };
}
