import type { FastifyInstance, FastifyRequest } from "fastify";
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import type { Response as StreamResponse } from "graphql-sse";
import { createHandler } from "graphql-sse/lib/use/fastify";
import { BadUserInput } from "../errors.js";
import type { Access } from "./access/access.js";
import type { GraphqlContext } from "./graphql-context.type.js";
import { formatGraphqlError, INTERNAL_ERROR, isUnforeseen, toRequestError } from "./graphql-errors.js";
import { assertRequestWithinLimits, LIMITS, shapeRules } from "./graphql-limits.js";
import { BadRequest, readGraphqlParameters } from "./graphql-request.js";

type StreamArguments = ExecutionArgs & { contextValue: GraphqlContext & Record<PropertyKey, unknown> };

/**
 * /graphql/stream: subscriptions as server-sent events, in the "distinct connections" mode of the GraphQL over SSE
 * protocol, under the limits of every other request. A stream ends when its reader goes or the server closes.
 */
export function addGraphqlStream(
  server: FastifyInstance,
  schema: GraphQLSchema,
  createContext: (request: FastifyRequest, signal: AbortSignal) => GraphqlContext,
  guard: Pick<Access, "onRequest" | "preHandler">,
): void {
  const closing = new AbortController();
  server.addHook("preClose", async () => closing.abort());

  const handle = createHandler<GraphqlContext & Record<PropertyKey, unknown>>({
    // No single connection mode: its reservations would be state between requests.
    authenticate: () => null,
    onSubscribe(request, { query, variables, operationName }) {
      try {
        return prepare(schema, request.raw, { query, variables, operationName }, (signal) =>
          createContext(request.raw, AbortSignal.any([signal, closing.signal])),
        );
      } catch (error) {
        return refuse(error);
      }
    },
    validate: (_, document) => validate(schema, document, [...specifiedRules, ...shapeRules]).map(formatted),
    onNext: ({ requestId }, { raw }, result) => maskErrors(result as ExecutionResult, requestId, raw),
  });
  const preHandler = [assertStreamRequest, guard.preHandler];
  server.post("/graphql/stream", { onRequest: guard.onRequest, preHandler }, async (request, reply) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    await handle(request, reply);
  });
}

/**
 * What graphql-sse would answer without a word or without a code is refused before it, and an `Accept` that names the
 * stream among others is taken, which it does not.
 * @throws BadRequest
 */
async function assertStreamRequest(request: FastifyRequest): Promise<void> {
  if (!request.headers.accept?.includes("text/event-stream")) {
    throw new BadRequest("Subscriptions are answered as a stream: send Accept: text/event-stream.");
  }
  request.headers.accept = "text/event-stream";
  const { query, variables } = readGraphqlParameters(request);
  if (!query || typeof variables === "string") {
    throw new BadRequest("Send an object with the subscription in query, and its variables in variables.");
  }
}

/** @throws GraphQLError for what is no subscription of this schema, or too much of one */
function prepare(
  schema: GraphQLSchema,
  request: FastifyRequest,
  params: { query: string; variables?: unknown; operationName?: string | null | undefined },
  createContext: (signal: AbortSignal) => GraphqlContext,
): StreamArguments {
  const document = parse(params.query, { maxTokens: LIMITS.tokens });
  const operationName = params.operationName ?? undefined;
  if (getOperationAST(document, operationName)?.operation !== "subscription") {
    throw toRequestError(new BadUserInput("Only subscriptions are streamed. Send the others to /graphql."));
  }
  const gone = new AbortController();
  request.raw.socket.once("close", () => gone.abort());
  const contextValue = { ...createContext(gone.signal) };
  const variableValues = (params.variables ?? {}) as Record<string, unknown>;
  if (validate(schema, document, [...specifiedRules, ...shapeRules]).length === 0) {
    assertRequestWithinLimits(schema, document, { variables: variableValues, operationName });
  }
  return { schema, document, operationName, variableValues, contextValue };
}

function refuse(error: unknown): StreamResponse {
  const http = error instanceof GraphQLError ? (error.extensions.http as { status?: number } | undefined) : undefined;
  const body = JSON.stringify({ errors: [format(error)] });
  const headers = { "content-type": "application/json; charset=utf-8" };
  return [body, { status: http?.status ?? 400, statusText: "Refused", headers }];
}

function maskErrors(result: ExecutionResult, requestId: string, request: FastifyRequest): ExecutionResult | undefined {
  if (!result.errors) return undefined;
  for (const error of result.errors.filter(isUnforeseen)) {
    request.log.error({ err: error.originalError ?? error, requestId }, "a subscription failed");
  }
  return { ...result, errors: result.errors.map(formatted) };
}

function format(error: unknown): GraphQLFormattedError {
  const known = error instanceof GraphQLError ? error.toJSON() : { message: INTERNAL_ERROR };
  const { extensions, ...rest } = formatGraphqlError(known, error);
  return { ...rest, extensions: { ...extensions } };
}

function formatted(error: GraphQLError): GraphQLError {
  const { message, extensions } = format(error);
  return new GraphQLError(message, {
    ...(error.path ? { path: error.path } : {}),
    ...(extensions ? { extensions } : {}),
  });
}
