/**
 * Lookalike as a library: similar products in a GraphQL or HTTP server that somebody already has. See docs/graphql.md.
 */
export { BadUserInput, LookalikeError } from "./errors.js";
export { lookalike } from "./library/lookalike.js";
export type {
  ContextOptions,
  ExpressMiddleware,
  HostLogger,
  Lookalike,
  LookalikeContext,
  LookalikeOptions,
  LookalikeWorker,
  NodeHandler,
  RequestLike,
  SimilarItemsArguments,
  WorkerOptions,
} from "./library/lookalike.type.js";
export type { FieldResolver, ResolverMap, SubscriptionResolver, TypeResolvers } from "./server/surface/index.js";
