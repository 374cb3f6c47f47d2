import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/** What an answer depends on beside its address. CORS adds the origin. */
const VARY = "Accept, Authorization, X-Storefront-Key, X-Visitor-Key";

/**
 * For the onSend hook of /graphql: says what the answer depends on, and for a GET that may be kept adds a weak ETag, and answers 304 without a body to whoever has this
 * answer already (RFC 9110, 8.8.3 and 13.1.2). What must not be kept gets none.
 */
export async function tagAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const before = reply.getHeader("vary");
  reply.header("vary", before === undefined ? VARY : `${String(before)}, ${VARY}`);
  if (request.method !== "GET") return payload;
  const isKept = !String(reply.getHeader("cache-control") ?? "no-store").includes("no-store");
  if (reply.statusCode !== 200 || !isKept || typeof payload !== "string") return payload;
  const etag = `W/"${createHash("sha1").update(payload).digest("base64url")}"`;
  reply.header("etag", etag);
  if (!matchesTag(request.headers["if-none-match"], etag)) return payload;
  reply.code(304).removeHeader("content-type").removeHeader("content-length");
  return "";
}

/** Whether `If-None-Match` names this tag. The comparison is weak: proxies that compress weaken a strong tag. */
export function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
  return header.split(",").some((tag) => opaque(tag) === opaque(etag));
}
