import { HeaderMap } from "@apollo/server";
import type { ValidationError } from "class-validator";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { ArgumentValidationError } from "type-graphql";
import { BadUserInput, codeOf, LookalikeError } from "../errors.js";
import { toBadUserInput } from "../input-problems.js";

/** HTTP status of an error that ends a request before it runs. */
const STATUS: Readonly<Record<string, number>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  QUERY_NOT_ALLOWED: 403,
  RATE_LIMITED: 429,
  IDENTITY_PROVIDER_UNREACHABLE: 503,
};

export function statusOf(code: string): number {
  return STATUS[code] ?? 400;
}

export const INTERNAL_ERROR = "INTERNAL_ERROR";
/** All that a caller reads of a fault on the server's side. */
export const MASKED = "Something went wrong on the server.";

/**
 * Codes of errors that tell their caller what to do. The others of ours speak to the operator, of paths, hosts and
 * versions; a list of what may be told, so that a new error is kept back until somebody has thought about it.
 */
const FOR_CALLERS = new Set([
  "AMBIGUOUS_PRODUCT",
  "BAD_REQUEST",
  "BAD_USER_INPUT",
  "FORBIDDEN",
  "IDENTITY_PROVIDER_UNREACHABLE",
  "MODEL_NOT_FOUND",
  "MODEL_VECTORS_GONE",
  "NOT_ENOUGH_DATA",
  "NO_ACTIVE_MODEL",
  "PRODUCT_NOT_FOUND",
  "QUERY_NOT_ALLOWED",
  "RATE_LIMITED",
  "UNAUTHENTICATED",
]);
const KINDS_FOR_CALLERS = /^(PHOTO|FETCH|FEED)_/;

/** One of our errors for a request that cannot run at all, with its HTTP status. */
export function toRequestError(error: LookalikeError): GraphQLError {
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...describe(error), http: httpOf(error) },
  });
}

function httpOf(error: LookalikeError): object {
  const status = statusOf(error.code);
  if (!("retryAfterSeconds" in error)) return { status };
  return { status, headers: new HeaderMap([["retry-after", String(error.retryAfterSeconds)]]) };
}

/**
 * What a caller gets to read of an error: ours as they are, GraphQL's own without the values that were sent, and of
 * anything else only that it happened.
 */
export function formatGraphqlError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const original = causeOf(error);
  const place = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  if (original instanceof LookalikeError && isForCaller(original)) {
    return { message: original.message, ...place, extensions: describe(original) };
  }
  if (original instanceof ArgumentValidationError) {
    const { message, code, field } = toBadUserInput(original.extensions.validationErrors as ValidationError[]);
    return { message, ...place, extensions: { code, field } };
  }
  if (isUnforeseen(error)) {
    return { message: MASKED, ...place, extensions: { code: codeOf(original) } };
  }
  const code = codeOfGraphqlError(formatted);
  return { message: withoutValues(formatted.message), ...place, extensions: { code } };
}

/** Whether an error is a fault on the server's side, to be logged and masked. */
export function isUnforeseen(error: unknown): boolean {
  const cause = causeOf(error);
  if (cause instanceof LookalikeError) return !isForCaller(cause);
  if (!(error instanceof GraphQLError) || !(cause instanceof GraphQLError)) return true;
  // While a field is answered, graphql-js objects to arguments (the caller's mistake) and to answers (ours).
  const duringExecution = error.path !== undefined && cause.extensions.code === undefined;
  return duringExecution && !isAboutArgument(cause.message);
}

/** Whether an error's message speaks to whoever asked. */
export function isForCaller({ code }: LookalikeError): boolean {
  return FOR_CALLERS.has(code) || KINDS_FOR_CALLERS.test(code);
}

function isAboutArgument(message: string): boolean {
  return message.startsWith("Argument ");
}

/** What a resolver, a loader or the context threw. */
function causeOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? error.originalError : error;
}

function describe(error: LookalikeError): Record<string, unknown> {
  const field = error instanceof BadUserInput && error.field.length > 0 ? { field: error.field } : {};
  return { code: error.code, ...field };
}

function codeOfGraphqlError({ message, extensions }: GraphQLFormattedError): unknown {
  if (isAboutArgument(message)) return "BAD_USER_INPUT";
  const code = extensions?.code;
  return code === undefined || code === "INTERNAL_SERVER_ERROR" ? "BAD_REQUEST" : code;
}

/** What graphql-js objects to, as far as it is made of names and not of values. */
const REASONS = [
  /\w{1,100} cannot represent [a-z0-9 -]{1,80}/,
  /Expected (?:non-nullable )?type "[\w![\]]{1,100}"(?: to be an object| not to be null)?/,
  /Field "\w{1,100}" (?:of required type "[\w![\]]{1,100}" was not provided|is not defined by type "\w{1,100}")/,
  /does not exist in "\w{1,100}" enum/,
];

/**
 * graphql-js repeats in its messages what was sent, which may be a photo of megabytes or somebody's secret. Names of
 * types, fields and variables are kept.
 */
function withoutValues(message: string): string {
  const variable = /^Variable "\$\w{1,100}" got invalid value /.exec(message)?.[0];
  if (variable !== undefined) {
    const place = / at "([\w.[\]]{1,200})"; /.exec(message)?.[1];
    const reason = REASONS.map((pattern) => pattern.exec(message.slice(variable.length))?.[0]).find(Boolean);
    const what = `${variable.replace("invalid value ", "an invalid value")}${place ? ` at "${place}"` : ""}`;
    return reason === undefined ? `${what}.` : `${what}: ${reason}.`;
  }
  return message
    .replace(/ Did you mean [^?]{1,500}\?/, "")
    .replace(/(cannot represent [a-z0-9 -]{1,80}): [\s\S]*$/, "$1.")
    .replace(/^(Expected value of type "[^"]{1,100}"), found [\s\S]*$/, "$1.")
    .replace(/^Value "[\s\S]*" does not exist/, "Value does not exist")
    .slice(0, 500);
}
