import type { FastifyInstance } from "fastify";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";

/** Parts that must work before traffic is sent here; each throws when it does not. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** Longest wait for one part, so that a probe is answered before it gives up by itself. */
const PATIENCE_MS = 3_000;

/** /healthz: the process lives. /readyz: it can answer; names the parts, says nothing of their insides. */
export function addHealthRoutes(fastify: FastifyInstance, checks: ReadinessChecks, logger: Logger): void {
  fastify.get("/healthz", async (_, reply) => reply.header("cache-control", "no-store").send({ status: "ok" }));
  fastify.get("/readyz", async (_, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([part, check]) => {
        try {
          await withPatience(check());
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
      .header("cache-control", "no-store")
      .send({ status: ready ? "ready" : "not ready", parts: Object.fromEntries(results) });
  });
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
