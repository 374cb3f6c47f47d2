import { GraphQLError } from "graphql";
import type { Config } from "../config.js";
import { LookalikeError } from "../errors.js";
import { createIdentifyViewer } from "../server/access/identify-viewer.js";
import type { ServerParts } from "../server/build-server.js";
import { toRequestError } from "../server/graphql-errors.js";
import { createGraphqlLoaders } from "../server/graphql-loaders.js";
import { requestIdOf } from "../server/operate/request-id.js";
import { visitorOf } from "../server/visitor-key.js";
import type { Viewer } from "../viewer.js";
import { headersOf } from "./host-context.js";
import type { Lookalike } from "./lookalike.type.js";

/** Nobody tells a library when a caller has gone. */
const NEVER = new AbortController().signal;

/** Makes what the resolvers need of one request: who asks, and loaders that gather its reads. */
export function createContexts(parts: ServerParts, config: Config): Lookalike["createContext"] {
  const identifyViewer = createIdentifyViewer(config, parts.logger);
  const identify = async (headers: ReturnType<typeof headersOf>): Promise<Viewer> => {
    try {
      return await identifyViewer(headers);
    } catch (error) {
      if (!(error instanceof LookalikeError)) throw error;
      // Yoga masks a GraphQLError that has another error inside.
      const { message, extensions } = toRequestError(error);
      throw new GraphQLError(message, { extensions });
    }
  };
  return async (request, { role } = {}) => {
    const headers = headersOf(request);
    const viewer = role === undefined ? await identify(headers) : { role, identified: true };
    const { progress, training, sources } = parts;
    const loaders = createGraphqlLoaders(sources);
    return {
      lookalike: {
        requestId: requestIdOf(headers),
        viewer,
        ...visitorOf(headers),
        loaders,
        progress,
        training,
        signal: NEVER,
      },
    };
  };
}
