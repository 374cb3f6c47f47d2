import type { ApolloServerPlugin } from "@apollo/server";
import type { GraphqlContext } from "../graphql-context.type.js";

/** Longer names are cut: they stand in every log line, and callers choose them. */
const LONGEST_NAME = 100;

/** Tells the context of each operation that was answered. */
export function watchOperations(): ApolloServerPlugin<GraphqlContext> {
  return {
    async requestDidStart() {
      const startedAt = performance.now();
      return {
        async willSendResponse({ operation, response, contextValue }) {
          const errors = response.body.kind === "single" ? response.body.singleResult.errors : undefined;
          contextValue.noteOperation?.({
            name: operation ? (operation.name?.value.slice(0, LONGEST_NAME) ?? "anonymous") : "invalid",
            seconds: (performance.now() - startedAt) / 1000,
            errorCodes: [...new Set((errors ?? []).map(({ extensions }) => String(extensions?.code)))],
          });
        },
      };
    },
  };
}
