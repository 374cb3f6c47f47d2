import { fastifyApolloHandler } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { BlobStore } from "../catalog/photos/blob-store.type.js";
import { formatProductId } from "../catalog/products/product-id.js";
import type { ProgressSource } from "../catalog/progress/progress.type.js";
import type { Config } from "../config.js";
import type { TrainingProgressSource } from "../learning/runs/training-progress.js";
import type { Logger } from "../logger.js";
import { type Access, type AccessSettings, addAccess, proxiesOf } from "./access/access.js";
import { createCaching } from "./access/caching.js";
import { tagAnswer } from "./access/entity-tag.js";
import { addErrorAnswers, answerClientError, answerRouterError } from "./error-answers.js";
import { addExplorer } from "./explorer.js";
import type { GraphqlContext } from "./graphql-context.type.js";
import { createGraphqlLoaders, type LoaderSources } from "./graphql-loaders.js";
import { buildGraphqlSchema } from "./graphql-schema.js";
import { createGraphqlServer } from "./graphql-server.js";
import { addGraphqlStream } from "./graphql-stream.js";
import { addConnectionRelease, type Draining } from "./operate/draining.js";
import { addHealthRoutes, type ReadinessChecks } from "./operate/health-routes.js";
import type { Metrics } from "./operate/metrics.js";
import { addMetricsRoute } from "./operate/metrics-route.js";
import { requestIdOf } from "./operate/request-id.js";
import { watchRequests } from "./operate/watch-requests.js";
import { withPhotosAt } from "./photo-addresses.js";
import { addPhotoRoute } from "./photo-route.js";
import { addSafeHeaders } from "./safe-headers.js";
import { visitorOf } from "./visitor-key.js";

/** What the server needs of the other stages; compose.ts makes it. */
export interface ServerParts {
  readonly config: AccessSettings &
    Pick<
      Config,
      "explorer" | "fetchMaxBytes" | "corsOrigins" | "cacheSeconds" | "publicUrl" | "requestLogLevel" | "metricsToken"
    >;
  readonly logger: Logger;
  readonly resolvers: readonly object[];
  readonly sources: LoaderSources;
  readonly blobs: Pick<BlobStore, "read">;
  readonly progress: ProgressSource;
  readonly training: TrainingProgressSource;
  readonly readiness: ReadinessChecks;
  /** Left out: there is no /metrics. */
  readonly metrics?: Metrics | undefined;
  /** Left out: the server does not know that it is about to end. */
  readonly draining?: Draining;
  /** Makes the subgraph of the schema, for /subgraph; left out: there is none. */
  readonly subgraph?: (schema: GraphQLSchema) => GraphQLSchema;
}

/** Which queries a GraphQL address takes. */
type Queries = Pick<Access, "manifest" | "preHandler">;

/** Queries and mutations are short: they are answered even when the caller has gone. */
const NEVER = new AbortController().signal;

/** Room for the JSON around a photo, and for a batch of products. */
const BODY_MARGIN_BYTES = 4 * 1024 * 1024;

/**
 * The HTTP server, ready but not listening: /graphql, /healthz, /readyz, /metrics, /photos and the explorer. `close()`
 * waits for requests under way.
 */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { config, logger, sources } = parts;
  const loggerInstance: FastifyBaseLogger = logger;
  const server = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestIdOf(headers),
    // A picture comes as base64, a third larger than its bytes.
    bodyLimit: Math.ceil((config.fetchMaxBytes * 4) / 3) + BODY_MARGIN_BYTES,
    requestTimeout: 60_000,
    forceCloseConnections: "idle",
    // What still comes on a connection that is kept is answered like everything before.
    return503OnClosing: false,
    trustProxy: proxiesOf(config),
    frameworkErrors: answerRouterError,
    clientErrorHandler: answerClientError,
  });
  watchRequests(server, config, logger, (request) => parts.metrics?.request(request));
  addSafeHeaders(server);
  if (parts.draining) addConnectionRelease(server, parts.draining);
  addErrorAnswers(server);
  if (config.corsOrigins.length > 0) {
    const origin = config.corsOrigins.includes("*") ? "*" : config.corsOrigins;
    // Never with cookies: whoever may ask shows a header, which a foreign page does not have.
    const exposedHeaders = ["etag", "retry-after", "x-request-id"];
    await server.register(cors, { origin, methods: ["GET", "POST"], exposedHeaders, credentials: false, maxAge: 600 });
  }
  const access = await addAccess(server, config, logger);

  const schema = withPhotosAt(buildGraphqlSchema(parts.resolvers), config.publicUrl);
  const { progress, training } = parts;
  const createContext = (request: FastifyRequest, signal: AbortSignal): GraphqlContext => ({
    requestId: request.id,
    viewer: access.viewerOf(request),
    ...visitorOf(request.headers),
    loaders: createGraphqlLoaders(sources),
    progress,
    training,
    signal,
    caching: createCaching(),
    countPictures: (count) => access.countPictures(request, count),
    noteOperation(operation) {
      request.operation = operation;
      parts.metrics?.operation(operation);
    },
  });
  const { onRequest, preHandler } = access;
  const addGraphql = async (url: string, answered: GraphQLSchema, { manifest, preHandler }: Queries): Promise<void> => {
    const { explorer: introspection, cacheSeconds } = config;
    const apollo = createGraphqlServer(answered, server, { introspection, cacheSeconds, manifest, logger });
    await apollo.start();
    const handler = fastifyApolloHandler(apollo, { context: async (request) => createContext(request, NEVER) });
    server.route({ method: ["GET", "POST"], url, onRequest, preHandler, onSend: tagAnswer, handler });
  };
  await addGraphql("/graphql", schema, access);
  if (parts.subgraph) {
    const queries = { manifest: undefined, preHandler: access.preHandlerOfSubgraph };
    await addGraphql("/subgraph", parts.subgraph(schema), queries);
  }
  addGraphqlStream(server, schema, createContext, { onRequest, preHandler });

  addHealthRoutes(server, parts.readiness, logger, parts.draining);
  if (parts.metrics) addMetricsRoute(server, parts.metrics, config, access);
  addPhotoRoute(server, { products: sources.products, blobs: parts.blobs });
  if (config.explorer) {
    addExplorer(server, async () => {
      const [first] = await sources.products.page({ status: "ACTIVE" }, undefined, 1);
      return first && formatProductId(first.id);
    });
  }
  return server;
}
