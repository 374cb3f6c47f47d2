import type { IncomingHttpHeaders } from "node:http";
import { GraphQLError } from "graphql";
import { BadUserInput } from "../errors.js";
import { resolveExcluded } from "../federation/index.js";
import type { Logger } from "../logger.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import { formatGraphqlError, INTERNAL_ERROR, isUnforeseen } from "../server/graphql-errors.js";
import type { FieldResolver } from "../server/surface/index.js";
import type { LookalikeContext, RequestLike } from "./lookalike.type.js";

/**
 * A resolver of ours as it works in a context of somebody else's: it finds what is ours there, and what it throws tells
 * the caller no more than a server of our own would, whatever the host does with errors.
 */
export function forHost(resolve: FieldResolver, logger: Logger): FieldResolver {
  return async (root, args, context, info) => {
    const own = ownContext(context);
    try {
      // Most fields have no filter, and a list has thousands of fields.
      const asked = args.filter ? await resolveExcluded(args, own.loaders) : args;
      const answer = await resolve(root, asked, own, info);
      if (!Array.isArray(answer)) return answer;
      return answer.map((item: unknown) => (item instanceof Error ? presentable(item, own.requestId, logger) : item));
    } catch (error) {
      throw presentable(error, own.requestId, logger);
    }
  };
}

/** @throws BadUserInput when the host's context was made without `createContext` */
export function ownContext(context: unknown): GraphqlContext {
  const own = (context as Partial<LookalikeContext> | null | undefined)?.lookalike;
  if (own !== undefined) return own;
  throw new BadUserInput(
    "The context has nothing of Lookalike's. Make it with createContext(request) and spread it into yours.",
    ["context"],
  );
}

/** What a caller may read of an error; a fault of ours goes to the log with the request's id. */
export function presentable(error: unknown, requestId: string, logger: Logger): GraphQLError {
  const message = error instanceof Error ? error.message : INTERNAL_ERROR;
  const { message: shown, extensions } = formatGraphqlError({ message }, error);
  if (!isUnforeseen(error)) return new GraphQLError(shown, { extensions: { ...extensions } });
  logger.error({ err: error, requestId }, "a request failed");
  return new GraphQLError(shown, { extensions: { ...extensions, requestId } });
}

/** The headers of any kind of request, as Node has them. */
export function headersOf({ headers }: RequestLike): IncomingHttpHeaders {
  const { get } = headers;
  if (typeof get !== "function") return headers as IncomingHttpHeaders;
  const names = ["authorization", "x-storefront-key", "x-visitor-key", "x-request-id"] as const;
  return Object.fromEntries(names.map((name) => [name, get.call(headers, name) ?? undefined]));
}
