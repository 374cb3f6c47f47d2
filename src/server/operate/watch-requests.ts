import type { FastifyInstance } from "fastify";
import type { Config } from "../../config.js";
import type { Logger } from "../../logger.js";
import type { AnsweredOperation, AnsweredRequest } from "./operation.type.js";

declare module "fastify" {
  interface FastifyRequest {
    /** What was asked in GraphQL, once it is answered. */
    operation: AnsweredOperation | undefined;
  }
}

/** Asked all the time, by machines. */
const PROBES = new Set(["/healthz", "/readyz", "/metrics"]);

const CLIENT_WENT = 499;

/**
 * One log line a request, when its answer is out or its client gone: no address (a query may stand in it), no headers,
 * no body. Probes are logged at `debug`.
 */
export function watchRequests(
  fastify: FastifyInstance,
  { requestLogLevel: level }: Pick<Config, "requestLogLevel">,
  logger: Logger,
  observe: (request: AnsweredRequest) => void,
): void {
  fastify.decorateRequest("operation", undefined);
  fastify.addHook("onRequest", async (request, reply) => {
    const startedAt = performance.now();
    // Not the hook `onResponse`, which a client that goes early keeps from running.
    reply.raw.once("close", () => {
      const seconds = (performance.now() - startedAt) / 1000;
      const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_WENT;
      const { method, operation } = request;
      const route = request.routeOptions.url ?? "none";
      observe({ route, method, status, seconds });
      logger[level === "silent" || !PROBES.has(route) ? level : "debug"](
        {
          requestId: request.id,
          ...{ method, route, status },
          ms: Math.round(seconds * 10_000) / 10,
          ...(operation ? { operation: operation.name } : {}),
          ...(operation && operation.errorCodes.length > 0 ? { errorCodes: operation.errorCodes } : {}),
        },
        "request",
      );
    });
  });
}
