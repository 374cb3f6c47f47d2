import { isIP } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import ipaddr from "ipaddr.js";
import type { Config } from "../../config.js";
import { Forbidden, Unauthenticated } from "../../viewer.js";
import type { Access } from "../access/access.js";
import { equalSecrets } from "../access/secrets.js";
import type { Metrics } from "./metrics.js";

/** /metrics, for whoever shows the metrics token or an administrator's, and for this machine while there is no token. */
export function addMetricsRoute(
  fastify: FastifyInstance,
  metrics: Metrics,
  { metricsToken }: Pick<Config, "metricsToken">,
  access: Access,
): void {
  const onRequest = async (request: FastifyRequest, reply: Parameters<Access["onRequest"]>[1]): Promise<void> => {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      if (metricsToken === undefined && isOfThisMachine(request)) return;
      throw new Unauthenticated("Send the metrics token, or the administrator's. See docs/operating.md.");
    }
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (metricsToken !== undefined && token !== undefined && equalSecrets(token, metricsToken)) return;
    await access.onRequest(request, reply);
    if (access.viewerOf(request).role !== "admin") throw new Forbidden("Only administrators read the figures.");
  };
  fastify.get("/metrics", { onRequest }, async (_, reply) =>
    reply
      .header("cache-control", "no-store")
      .type(metrics.contentType)
      .send(await metrics.read()),
  );
}

/** Behind a proxy on this machine everybody comes from here: what was passed on does not count. */
function isOfThisMachine({ raw, headers }: FastifyRequest): boolean {
  const passedOn = ["forwarded", "via", "x-forwarded-for", "x-real-ip"].some((name) => headers[name] !== undefined);
  const address = raw.socket.remoteAddress;
  return !passedOn && address !== undefined && isIP(address) !== 0 && ipaddr.process(address).range() === "loopback";
}
