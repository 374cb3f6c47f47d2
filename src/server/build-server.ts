import { randomUUID } from "node:crypto";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { GraphQLSchema } from "graphql";
import type { BlobStore } from "../catalog/photos/blob-store.type.js";
import { formatProductId } from "../catalog/products/product-id.js";
import type { ProgressSource } from "../catalog/progress/progress.type.js";
import type { Config } from "../config.js";
import { LookalikeError } from "../errors.js";
import type { TrainingProgressSource } from "../learning/runs/training-progress.js";
import type { Logger } from "../logger.js";
import { addExplorer } from "./explorer.js";
import type { GraphqlContext } from "./graphql-context.type.js";
import { INTERNAL_ERROR, MASKED, toRequestError } from "./graphql-errors.js";
import { createGraphqlLoaders, type LoaderSources } from "./graphql-loaders.js";
import { buildGraphqlSchema } from "./graphql-schema.js";
import { createGraphqlServer } from "./graphql-server.js";
import { addGraphqlStream } from "./graphql-stream.js";
import { addHealthRoutes, type ReadinessChecks } from "./health-routes.js";
import { addPhotoRoute } from "./photo-route.js";
import { addSafeHeaders } from "./safe-headers.js";
import { identifyViewer } from "./viewer.js";

/** What the server needs of the other stages; compose.ts makes it. */
export interface ServerParts {
  readonly config: Pick<Config, "adminToken" | "storefrontKey" | "explorer" | "fetchMaxBytes" | "corsOrigins">;
  readonly logger: Logger;
  readonly resolvers: readonly object[];
  readonly sources: LoaderSources;
  readonly blobs: Pick<BlobStore, "read">;
  readonly progress: ProgressSource;
  readonly training: TrainingProgressSource;
  readonly readiness: ReadinessChecks;
  /** Makes the subgraph of the schema, for /subgraph; left out: there is none. */
  readonly subgraph?: (schema: GraphQLSchema) => GraphQLSchema;
}

/** Queries and mutations are short: they are answered even when the caller has gone. */
const NEVER = new AbortController().signal;

/** Room for the JSON around a photo, and for a batch of products. */
const BODY_MARGIN_BYTES = 4 * 1024 * 1024;

/**
 * The HTTP server, ready but not listening: /graphql, /healthz, /readyz, /photos and the explorer. `close()` waits for
 * requests under way.
 */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { config, logger, sources } = parts;
  const loggerInstance: FastifyBaseLogger = logger;
  const server = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // A picture comes as base64, a third larger than its bytes.
    bodyLimit: Math.ceil((config.fetchMaxBytes * 4) / 3) + BODY_MARGIN_BYTES,
    requestTimeout: 60_000,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 200 },
  });
  addSafeHeaders(server);
  addErrorAnswers(server);
  if (config.corsOrigins.length > 0) {
    const origin = config.corsOrigins.includes("*") ? "*" : config.corsOrigins;
    await server.register(cors, { origin, methods: ["GET", "POST"], maxAge: 600 });
  }

  const schema = buildGraphqlSchema(parts.resolvers);
  const createContext = (request: FastifyRequest, signal: AbortSignal): GraphqlContext => {
    try {
      const viewer = identifyViewer(request.headers, config);
      const { progress, training } = parts;
      return { requestId: request.id, viewer, loaders: createGraphqlLoaders(sources), progress, training, signal };
    } catch (error) {
      throw error instanceof LookalikeError ? toRequestError(error) : error;
    }
  };
  const addGraphql = async (url: string, answered: GraphQLSchema): Promise<void> => {
    const apollo = createGraphqlServer(answered, server, { introspection: config.explorer, logger });
    await apollo.start();
    const handler = fastifyApolloHandler(apollo, { context: async (request) => createContext(request, NEVER) });
    server.route({ method: ["GET", "POST"], url, handler });
  };
  await addGraphql("/graphql", schema);
  if (parts.subgraph) await addGraphql("/subgraph", parts.subgraph(schema));
  addGraphqlStream(server, schema, createContext);

  addHealthRoutes(server, parts.readiness, logger);
  addPhotoRoute(server, { products: sources.products, blobs: parts.blobs });
  if (config.explorer) {
    addExplorer(server, async () => {
      const [first] = await sources.products.page({ status: "ACTIVE" }, undefined, 1);
      return first && formatProductId(first.id);
    });
  }
  return server;
}

/** Everything that fails outside GraphQL is answered in the shape of a GraphQL error, faults without details. */
function addErrorAnswers(server: FastifyInstance): void {
  const answer = (message: string, code: string, requestId: string) => ({
    errors: [{ message, extensions: { code, ...(code === INTERNAL_ERROR ? { requestId } : {}) } }],
  });
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      request.log.error({ err: error, requestId: request.id }, "a request failed");
      return reply.code(500).send(answer(MASKED, INTERNAL_ERROR, request.id));
    }
    return reply.code(status).send(answer(describeRefusal(error), "BAD_REQUEST", request.id));
  });
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send(answer("There is nothing at this address. GraphQL is at /graphql.", "NOT_FOUND", request.id)),
  );
}

/** Fastify's own message may repeat a piece of the body. */
function describeRefusal(error: FastifyError): string {
  switch (error.statusCode) {
    case 413:
      return "The request's body is too large.";
    case 415:
      return "Send the request as application/json.";
    default:
      return error.code === "FST_ERR_CTP_INVALID_JSON_BODY" || error instanceof SyntaxError
        ? "The request's body is not valid JSON."
        : "The request cannot be read.";
  }
}
