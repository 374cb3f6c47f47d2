import type { FastifyInstance } from "fastify";

/** Nothing may be loaded, framed or run: right for everything but the explorer, which brings a policy of its own. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** The headers that keep a browser from doing more with an answer than it should. */
export function addSafeHeaders(fastify: FastifyInstance): void {
  fastify.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
    reply.header("x-content-type-options", "nosniff");
    reply.header("referrer-policy", "no-referrer");
    reply.header("x-frame-options", "DENY");
    if (!reply.hasHeader("content-security-policy")) reply.header("content-security-policy", NOTHING);
  });
}
