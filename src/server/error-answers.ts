import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { LookalikeError } from "../errors.js";
import { INTERNAL_ERROR, isForCaller, MASKED, statusOf } from "./graphql-errors.js";

/** What fails outside GraphQL, in the shape of a GraphQL answer. */
function answer(message: string, code: string, requestId?: string): object {
  return { errors: [{ message, extensions: { code, ...(requestId === undefined ? {} : { requestId }) } }] };
}

/** Everything that fails outside GraphQL is answered in the shape of a GraphQL error, faults without details. */
export function addErrorAnswers(server: FastifyInstance): void {
  server.server.on("checkExpectation", (_, response) => {
    const body = JSON.stringify(answer("The request expects what this server does not do.", "BAD_REQUEST"));
    response.writeHead(417, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      connection: "close",
    });
    response.end(body);
  });
  server.setErrorHandler(answerError);
  server.setNotFoundHandler((_, reply) =>
    reply.code(404).send(answer("There is nothing at this address. GraphQL is at /graphql.", "NOT_FOUND")),
  );
}

function answerError(error: FastifyError | LookalikeError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header("cache-control", "no-store");
  if (error instanceof LookalikeError && isForCaller(error)) {
    if ("retryAfterSeconds" in error) reply.header("retry-after", error.retryAfterSeconds);
    return reply.code(statusOf(error.code)).send(answer(error.message, error.code));
  }
  const status = "statusCode" in error ? (error.statusCode ?? 500) : 500;
  if (status >= 500) {
    request.log.error({ err: error, requestId: request.id }, "a request failed");
    return reply.code(500).send(answer(MASKED, INTERNAL_ERROR, request.id));
  }
  return reply.code(status).send(answer(describeRefusal(error as FastifyError), "BAD_REQUEST"));
}

/** For addresses that the router cannot read: no hook and no handler runs for them. */
export function answerRouterError(_: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(404)
    .headers({ "x-content-type-options": "nosniff", "cache-control": "no-store" })
    .send(answer("There is nothing at this address. GraphQL is at /graphql.", "NOT_FOUND"));
}

/** For what is no HTTP at all, or comes too slowly: there is no request to answer yet, only a socket. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  if (socket.writable) {
    const [status, message] = describeClientError(error.code);
    const body = JSON.stringify(answer(message, "BAD_REQUEST"));
    const headers = `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}`;
    socket.write(`HTTP/1.1 ${status}\r\n${headers}\r\nConnection: close\r\n\r\n${body}`);
  }
  socket.destroy();
}

function describeClientError(code: string | undefined): readonly [status: string, message: string] {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["408 Request Timeout", "The request took too long to arrive."];
    case "HPE_HEADER_OVERFLOW":
      return ["431 Request Header Fields Too Large", "The request's headers are too large."];
    default:
      return ["400 Bad Request", "The request cannot be read."];
  }
}

/** Fastify's own message may repeat a piece of the body. */
function describeRefusal(error: FastifyError): string {
  switch (error.statusCode) {
    case 413:
      return "The request's body is too large.";
    case 415:
      return "Send the request as application/json.";
    default:
      return error.code === "FST_ERR_CTP_INVALID_JSON_BODY" || error instanceof SyntaxError
        ? "The request's body is not valid JSON."
        : "The request cannot be read.";
  }
}
