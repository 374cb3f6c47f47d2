import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "graphql";
import { z } from "zod";
import { BadUserInput, LookalikeError, messageOf } from "../../errors.js";
import type { Viewer } from "../../viewer.js";
import type { GraphqlParameters } from "../graphql-request.js";

/** A query that the shop's manifest does not have. */
export class QueryNotAllowed extends LookalikeError {
  readonly code = "QUERY_NOT_ALLOWED";

  constructor() {
    super(
      "This server answers only the queries of its manifest. Add the query there: docs/access.md#persisted-queries.",
    );
  }
}

/** SHA-256 of a query's text, in hexadecimal → the text. */
export type QueryManifest = ReadonlyMap<string, string>;

/** As Apollo's generate-persisted-query-manifest writes one, or the plain map of GraphQL Code Generator. */
const manifestSchema = z.union([
  z
    .object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) })
    .transform(({ operations }) => operations.map(({ id, body }) => [id, body] as const)),
  z.record(z.string(), z.string()).transform((queries) => Object.entries(queries)),
]);

/** @throws BadUserInput naming the file, and the query that is none or has another id than its SHA-256 */
export function readQueryManifest(file: string): QueryManifest {
  const refuse = (why: string, cause?: unknown): BadUserInput =>
    new BadUserInput(`The manifest of queries ${file} ${why}.`, ["persistedQueries"], { cause });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw refuse(`cannot be read: ${messageOf(error)}`, error);
  }
  const entries = manifestSchema.safeParse(content);
  if (!entries.success) throw refuse("must be a list of operations with id and body, or an object of id and query");
  for (const [id, query] of entries.data) {
    if (id !== sha256(query)) throw refuse(`has a query whose id is not its SHA-256: ${id.slice(0, 80)}`);
    try {
      parse(query);
    } catch (error) {
      throw refuse(`has a query that cannot be parsed, ${id}: ${messageOf(error)}`, error);
    }
  }
  return new Map(entries.data);
}

/**
 * Only what the manifest has, by its text or by its hash alone. Administrators may ask anything.
 * @throws QueryNotAllowed
 */
export function assertInManifest(
  manifest: QueryManifest,
  { query, extensions }: GraphqlParameters,
  viewer: Viewer,
): void {
  if (viewer.role === "admin") return;
  const hash = query ? sha256(query) : extensions?.persistedQuery?.sha256Hash;
  if (hash === undefined || !manifest.has(hash)) throw new QueryNotAllowed();
}

/** The manifest as the cache in which Apollo Server looks up hashes. Nothing can be registered. */
export function manifestCache(manifest: QueryManifest) {
  return {
    get: async (key: string) => manifest.get(key.replace(/^apq:/, "")),
    set: async () => {},
    delete: async () => {},
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
