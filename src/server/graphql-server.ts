import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginCacheControlDisabled } from "@apollo/server/plugin/disabled";
import { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import type { FastifyInstance } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { Logger } from "../logger.js";
import { cacheHeadersPlugin } from "./access/cache-headers.js";
import { manifestCache, type QueryManifest } from "./access/persisted-queries.js";
import type { GraphqlContext } from "./graphql-context.type.js";
import { formatGraphqlError, isUnforeseen, MASKED } from "./graphql-errors.js";
import { LIMITS, limitsPlugin, shapeRules } from "./graphql-limits.js";
import { watchOperations } from "./operate/watch-operations.js";
import { createDocumentStore, createQueryTexts } from "./query-caches.js";

/** Apollo Server over a schema, with limits, masked errors and no batching. Start it before use. */
export function createGraphqlServer(
  schema: GraphQLSchema,
  fastify: FastifyInstance,
  options: {
    readonly introspection: boolean;
    readonly cacheSeconds: number;
    readonly manifest: QueryManifest | undefined;
    readonly logger: Logger;
  },
): ApolloServer<GraphqlContext> {
  return new ApolloServer<GraphqlContext>({
    schema,
    introspection: options.introspection,
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: shapeRules,
    formatError: formatGraphqlError,
    hideSchemaDetailsFromClientErrors: true,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    logger: options.logger,
    documentStore: createDocumentStore(),
    persistedQueries: { cache: options.manifest ? manifestCache(options.manifest) : createQueryTexts() },
    plugins: [
      fastifyApolloDrainPlugin(fastify),
      ApolloServerPluginCacheControlDisabled(),
      limitsPlugin(),
      faultsPlugin(options.logger),
      watchOperations(),
      cacheHeadersPlugin(schema, options.cacheSeconds),
    ],
  });
}

/** Logs faults of ours with the request's id, and hands the id to the caller in place of the details. */
function faultsPlugin(logger: Logger): ApolloServerPlugin<GraphqlContext> {
  return {
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue, operationName }) {
          for (const error of errors.filter(isUnforeseen)) {
            const { requestId } = contextValue;
            logger.error(
              { err: error.originalError ?? error, requestId, operationName, path: error.path },
              "a request failed",
            );
          }
        },
        async willSendResponse({ response, contextValue }) {
          if (response.body.kind !== "single") return;
          const { singleResult } = response.body;
          if (!singleResult.errors) return;
          singleResult.errors = singleResult.errors.map((error) =>
            error.message === MASKED
              ? { ...error, extensions: { ...error.extensions, requestId: contextValue.requestId } }
              : error,
          );
        },
      };
    },
  };
}
