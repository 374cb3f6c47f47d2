import type { ApolloServerPlugin } from "@apollo/server";
import type { GraphQLSchema } from "graphql";
import type { GraphqlContext } from "../graphql-context.type.js";
import { createCachePolicy } from "./cache-policy.js";

/** What the hints in the schema say; `cacheSeconds` takes its place. */
const STOREFRONT_SECONDS = 60;
/**
 * `Cache-Control` by the hints of the schema. Answers for shoppers may be kept by everybody; those to a key's holder by
 * their browser alone, because a shared cache does not ask for keys; errors, answers that are not ready, and what
 * administrators see, by nobody.
 */
export function cacheHeadersPlugin(schema: GraphQLSchema, cacheSeconds: number): ApolloServerPlugin<GraphqlContext> {
  const secondsOf = createCachePolicy(schema);
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ response, document, operationName, contextValue }) {
          const { headers } = response.http;
          const isWhole = response.body.kind === "single" && !response.body.singleResult.errors;
          const mayBeKept = isWhole && contextValue.viewer.role !== "admin" && contextValue.caching?.forbidden !== true;
          const hinted = mayBeKept && document ? secondsOf(document, operationName ?? null) : 0;
          const seconds = hinted === STOREFRONT_SECONDS ? cacheSeconds : Math.min(hinted, cacheSeconds);
          const scope = contextValue.viewer.identified ? "private" : "public";
          headers.set("cache-control", seconds > 0 ? `max-age=${seconds}, ${scope}` : "no-store");
        },
      };
    },
  };
}
