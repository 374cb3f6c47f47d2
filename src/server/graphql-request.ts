import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { LookalikeError } from "../errors.js";

/** What came is no GraphQL request. */
export class BadRequest extends LookalikeError {
  readonly code = "BAD_REQUEST";
}

const persistedQuerySchema = z.object({ version: z.unknown(), sha256Hash: z.string() });

/** The parameters of GraphQL over HTTP, as far as nobody after this checks what they are. */
const parametersSchema = z.object({
  query: z.string().nullish(),
  variables: z.union([z.record(z.string(), z.unknown()), z.string()]).nullish(),
  operationName: z.string().nullish(),
  extensions: z.object({ persistedQuery: persistedQuerySchema.nullish() }).nullish(),
});

export type GraphqlParameters = z.infer<typeof parametersSchema>;

/**
 * What a request asks, whether it came as a body or in its address.
 * @throws BadRequest for parameters of other kinds, and for a request whose host is none: Apollo Server and its adapter
 * fail over both
 */
export function readGraphqlParameters(request: FastifyRequest): GraphqlParameters {
  if (!URL.canParse(`${request.protocol}://${request.hostname}/`)) {
    throw new BadRequest("The request's Host is not the name of a host.");
  }
  const found = parametersSchema.safeParse(request.method === "POST" ? request.body : inAddress(request.query));
  if (found.success) return found.data;
  throw new BadRequest(
    "Send one object: the text of the query in query, or its hash in extensions.persistedQuery.sha256Hash; variables and " +
      "extensions are objects.",
  );
}

/** In an address, extensions are JSON as text. */
function inAddress(query: unknown): unknown {
  if (typeof query !== "object" || query === null || !("extensions" in query)) return query;
  if (typeof query.extensions !== "string") return query;
  try {
    return { ...query, extensions: JSON.parse(query.extensions) as unknown };
  } catch {
    return query;
  }
}
