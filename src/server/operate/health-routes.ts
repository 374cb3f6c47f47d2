import type { FastifyInstance } from "fastify";
import { messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { Draining } from "./draining.js";
import { withPatience } from "./patience.js";

/** Parts that must work before traffic is sent here; each throws when it does not. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** Longest wait for one part, so that a probe is answered before it gives up by itself. */
const PATIENCE_MS = 3_000;

/**
 * /healthz: the process lives. /readyz: it can answer, and is not about to end; names the parts, says nothing of their
 * insides.
 */
export function addHealthRoutes(
  fastify: FastifyInstance,
  checks: ReadinessChecks,
  logger: Logger,
  draining?: Draining,
): void {
  fastify.get("/healthz", async (_, reply) => reply.header("cache-control", "no-store").send({ status: "ok" }));
  fastify.get("/readyz", async (_, reply) => {
    reply.header("cache-control", "no-store");
    if (draining?.started) return reply.code(503).send({ status: "draining" });
    const results = await Promise.all(
      Object.entries(checks).map(async ([part, check]) => {
        try {
          await withPatience(check(), PATIENCE_MS);
          return [part, "ok"] as const;
        } catch (error) {
          logger.warn({ part, reason: messageOf(error) }, "not ready");
          return [part, "failing"] as const;
        }
      }),
    );
    const ready = results.every(([, state]) => state === "ok");
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? "ready" : "not ready", parts: Object.fromEntries(results) });
  });
}
