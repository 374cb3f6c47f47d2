import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import type { ExpressMiddleware, NodeHandler } from "./lookalike.type.js";

/** A whole server of ours, put below a path of another server in each of the usual ways. */
export interface Mounting {
  readonly handler: NodeHandler;
  readonly expressMiddleware: ExpressMiddleware;
  readonly fastifyPlugin: FastifyPluginAsync;
}

/** @param open gives the server, ready; called when it is asked for the first time */
export function createMounting(open: () => Promise<FastifyInstance>): Mounting {
  const handler: NodeHandler = async (request, response) => {
    const server = await open();
    server.routing(withUnreadBody(request), response);
  };
  return {
    handler,
    expressMiddleware(request, response, next) {
      handler(request, response).catch(next);
    },
    async fastifyPlugin(host) {
      // The body is for our server to read.
      host.removeAllContentTypeParsers();
      host.addContentTypeParser("*", (_request, _payload, done) => done(null));
      host.all("/*", async (request, reply) => {
        const { raw } = request;
        raw.url = request.url.slice(host.prefix.length).replace(/^(?!\/)/, "/");
        reply.hijack();
        await handler(raw, reply.raw);
      });
    },
  };
}

/**
 * A request whose body can still be read. Hosts parse bodies before anybody else sees them (`express.json()` for all
 * routes), and then it is written out again.
 */
function withUnreadBody(request: IncomingMessage): IncomingMessage {
  const { body } = request as IncomingMessage & { readonly body?: unknown };
  if (!request.readableEnded || body === undefined) return request;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const { method, url, socket, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders } = request;
  const { "transfer-encoding": _, "content-encoding": __, ...headers } = request.headers;
  return Object.assign(Readable.from([bytes], { objectMode: false }), {
    ...{ method, url, socket, connection: socket, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders },
    headers: { ...headers, "content-length": String(bytes.length) },
  }) as unknown as IncomingMessage;
}
