import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyPluginAsync } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { Config } from "../config.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import type { ResolverMap } from "../server/surface/index.js";

/** Takes the library's log lines. pino, a Fastify server's `log` and `console` fit as they are. */
export interface HostLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Every setting of docs/configuration.md, and how the library joins the server it is part of. */
export type LookalikeOptions = { readonly [Setting in keyof Config]?: Config[Setting] | undefined } & {
  /** Where log lines go; `false` for nowhere. Left out: JSON lines on standard error, warnings and errors only. */
  readonly logger?: HostLogger | false | undefined;
  /**
   * Root fields that `typeDefs`, `resolvers` and `schema` have: what shoppers ask, everything, or those that are named.
   * Default `storefront`.
   */
  readonly fields?: "storefront" | "everything" | readonly string[] | undefined;
  /** Put before the name of every type, for a server that has a `Product` or a `Money` of its own. Default none. */
  readonly typePrefix?: string | undefined;
};

/** What a request has that says who sends it: Node's and Express's requests, Fastify's, and the web's `Request`. */
export interface RequestLike {
  readonly headers:
    | Readonly<Record<string, string | readonly string[] | undefined>>
    | { get(name: string): string | null };
}

/** What the resolvers find in a server's context. Make one a request with `createContext`, and spread it into yours. */
export interface LookalikeContext {
  readonly lookalike: GraphqlContext;
}

export interface ContextOptions {
  /** Who asks, when the server has found that out itself. Left out: the headers say, as with a server of our own. */
  readonly role?: "storefront" | "admin" | undefined;
}

/** The arguments of `similarItems` in the schema, all of them optional. */
export interface SimilarItemsArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly filter?: Readonly<Record<string, unknown>> | null | undefined;
  readonly options?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface WorkerOptions {
  /**
   * In this process instead of a child process. Decoding and inference then take the event loop's core from its answers,
   * and a crash of native code takes the server with it. Default false.
   */
  readonly inProcess?: boolean | undefined;
}

/** A worker that takes jobs: it reads feeds, fetches and embeds photos, trains. */
export interface LookalikeWorker {
  /** Lets it finish what it is at, then ends it. */
  stop(): Promise<void>;
}

/** Answers requests of Node's `http` server, and of every framework over it. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A middleware as Express 4 and 5 and Connect take it. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** Lookalike in somebody's own server. Several may be open in one process. */
export interface Lookalike {
  /** The schema as SDL, for servers that build theirs of definitions and resolvers. */
  readonly typeDefs: string;
  /** Resolvers by type, for the same. */
  readonly resolvers: ResolverMap;
  /** The schema ready to be asked, for servers that have no other. */
  readonly schema: GraphQLSchema;
  /**
   * What the resolvers need of one request.
   * @throws GraphQLError with status 401 for a credential that is wrong
   */
  createContext(request: RequestLike, options?: ContextOptions): Promise<LookalikeContext>;
  /**
   * The similar items of one product, for a field of a type of yours: its type is `SimilarItemConnection`, with your
   * `typePrefix`. Those of one request are gathered into one search.
   * @param product ours (`prod_42`) or the platform's own id
   * @returns null when there is no such product, or it is not published
   * @throws GraphQLError with a code of docs/graphql.md
   */
  similarItems(product: string, args: SimilarItemsArguments, context: LookalikeContext): Promise<unknown>;
  /**
   * The Federation 2 subgraph of this catalog; settings `productKey` and `productSource` say how products are named.
   * Its resolvers find what `createContext` makes.
   */
  subgraphSchema(): GraphQLSchema;
  /**
   * Everything that a server of our own serves, /graphql, /photos, /healthz, /readyz and, where `metrics` is on, /metrics,
   * below the path it is put at.
   */
  readonly handler: NodeHandler;
  /** The same for Express: `app.use("/lookalike", plugin.expressMiddleware)`. */
  readonly expressMiddleware: ExpressMiddleware;
  /** The same for Fastify: `server.register(plugin.fastifyPlugin, { prefix: "/lookalike" })`. */
  readonly fastifyPlugin: FastifyPluginAsync;
  /** Starts a worker; resolves when it takes jobs. Without one nothing is imported and no photo embedded. */
  startWorker(options?: WorkerOptions): Promise<LookalikeWorker>;
  /** Ends the workers, answers what is under way, closes the database. */
  close(): Promise<void>;
}
