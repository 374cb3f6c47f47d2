import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config.js";
import type { Logger } from "../../logger.js";
import { Unauthenticated, type Viewer } from "../../viewer.js";
import { readGraphqlParameters } from "../graphql-request.js";
import { type CredentialSettings, createIdentifyViewer } from "./identify-viewer.js";
import { assertInManifest, type QueryManifest, readQueryManifest } from "./persisted-queries.js";
import { createRateLimits, type RateSettings } from "./rate-limits.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, once the guard of the route has found out. */
    viewer: Viewer | undefined;
  }
}

export type AccessSettings = CredentialSettings & RateSettings & Pick<Config, "persistedQueries">;

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Who may ask what, and how often. */
export interface Access {
  /** Before the body is read: finds out who asks, and counts the request. */
  readonly onRequest: Hook;
  /** With the body: whether it can be a request at all, and whether the manifest has the query. */
  readonly preHandler: Hook;
  /** The same without the manifest: a router makes its queries of its clients', which stand in none. */
  readonly preHandlerOfSubgraph: Hook;
  readonly manifest: QueryManifest | undefined;
  /** Behind the guard only. */
  viewerOf(request: FastifyRequest): Viewer;
  /** @throws RateLimited */
  countPictures(request: FastifyRequest, count: number): Promise<void>;
}

/**
 * The guard of the GraphQL routes. Its refusals are LookalikeErrors, which error-answers.ts answers.
 * @throws BadUserInput for a manifest that cannot be used
 */
export async function addAccess(server: FastifyInstance, config: AccessSettings, logger: Logger): Promise<Access> {
  const manifest = config.persistedQueries === undefined ? undefined : readQueryManifest(config.persistedQueries);
  const identify = createIdentifyViewer(config, logger);
  const limits = await createRateLimits(server, config, logger);
  server.decorateRequest("viewer", undefined);
  const viewerOf = ({ viewer }: FastifyRequest): Viewer => {
    if (viewer === undefined) throw new Error("A request came past the guard of its route.");
    return viewer;
  };
  return {
    manifest,
    viewerOf,
    countPictures: (request, count) => limits.pictures(request, viewerOf(request), count),
    async onRequest(request) {
      const { authorization, "x-storefront-key": key } = request.headers;
      const showsOne = authorization !== undefined || key !== undefined;
      if (showsOne) await limits.beforeCredential(request);
      try {
        request.viewer = await identify(request.headers);
      } catch (error) {
        if (showsOne && error instanceof Unauthenticated) await limits.wrongCredential(request);
        throw error;
      }
      await limits.request(request, request.viewer);
    },
    async preHandler(request) {
      const parameters = readGraphqlParameters(request);
      if (manifest) assertInManifest(manifest, parameters, viewerOf(request));
    },
    async preHandlerOfSubgraph(request) {
      readGraphqlParameters(request);
    },
  };
}

/** What Fastify is told of the proxies before it: how many of the nearest are believed, or where they are. */
export function proxiesOf({
  trustProxy,
}: Pick<Config, "trustProxy">): false | string[] | ((address: string, hop: number) => boolean) {
  const [first] = trustProxy;
  if (first === undefined) return false;
  const proxies = /^\d$/.test(first) ? Number(first) : undefined;
  return proxies === undefined ? [...trustProxy] : (_, hop) => hop < proxies;
}
