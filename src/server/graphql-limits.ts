import type { ApolloServerPlugin } from "@apollo/server";
import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { type DocumentNode, GraphQLError, type GraphQLSchema, type ValidationRule, visit } from "graphql";
import { type ComplexityEstimator, getComplexity } from "graphql-query-complexity";
import { BadUserInput, LookalikeError } from "../errors.js";
import type { GraphqlContext } from "./graphql-context.type.js";
import { toRequestError } from "./graphql-errors.js";

/** What one request may ask for. GraphiQL's introspection query needs a depth of 15 and 1,000 tokens. */
export const LIMITS = {
  tokens: 2_000,
  depth: 16,
  aliases: 20,
  complexity: 10_000,
  /** Fields looked at while adding up, so that nested fragments cannot make the sum itself expensive. */
  complexityNodes: 20_000,
} as const;

/** Fields that search are dearer than fields that read: a search costs what about twenty rows cost. */
const SEARCH_COST: Readonly<Record<string, number>> = {
  similarItems: 20,
  similarItemsTo: 40,
  similarItemsByImage: 400,
};

/** A field costs 1 and what is below it; a page costs that times the items it asks for. */
const pageEstimator: ComplexityEstimator = ({ field, args, childComplexity }) => {
  const first: unknown = args.first;
  const items = Math.max(1, typeof first === "number" ? first : longestList(args));
  return 1 + (SEARCH_COST[field.name] ?? 0) + items * childComplexity;
};

/** A field that is given a list of things, itself or in its `input`, answers for each of them. */
function longestList(args: Record<string, unknown>): number {
  const input = typeof args.input === "object" && args.input !== null ? Object.values(args.input) : [];
  return Math.max(0, ...[...Object.values(args), ...input].filter(Array.isArray).map(({ length }) => length));
}

type ArmorContext = Parameters<ValidationRule>[0];
const report = (context: unknown, error: GraphQLError): void => (context as ArmorContext).reportError(error);

/** Rules that look at the query's shape alone. Reported like any other objection: thrown ones would be a 500. */
export const shapeRules: ValidationRule[] = [
  maxDepthRule({ n: LIMITS.depth, flattenFragments: true, propagateOnRejection: false, onReject: [report] }),
  maxAliasesRule({ n: LIMITS.aliases, propagateOnRejection: false, onReject: [report] }),
];

/** Text that Postgres cannot store: NUL, and halves of a surrogate pair. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control character is what it looks for
const UNSTORABLE = /\u0000|\p{Surrogate}/u;

/**
 * Refuses what can only be judged with the variables: too much at once, and text that no database takes.
 * @throws GraphQLError with the code BAD_USER_INPUT or QUERY_TOO_COMPLEX, status 400
 */
export function assertRequestWithinLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  request: { readonly variables?: Record<string, unknown> | undefined; readonly operationName?: string | undefined },
): void {
  if (holdsUnstorable(request.variables) || documentHoldsUnstorable(document)) {
    throw toRequestError(new BadUserInput("Text must be valid Unicode without NUL characters."));
  }
  const complexity = complexityOf(schema, document, request);
  if (complexity > LIMITS.complexity) throw tooComplex(`costs ${complexity}, at most ${LIMITS.complexity} is allowed`);
}

function complexityOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { variables, operationName }: { variables?: Record<string, unknown> | undefined; operationName?: string | undefined },
): number {
  try {
    return getComplexity({
      schema,
      query: document,
      estimators: [pageEstimator],
      maxQueryNodes: LIMITS.complexityNodes,
      ...(variables ? { variables } : {}),
      ...(operationName ? { operationName } : {}),
    });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes("maximum allowed number of nodes")) throw tooComplex("has too many fields");
    // A variable of the wrong type, found here before the executor would.
    throw new GraphQLError(error.message, {
      ...(error.nodes ? { nodes: error.nodes } : {}),
      extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
    });
  }
}

function tooComplex(how: string): GraphQLError {
  return new GraphQLError(`The query ${how}. Ask for fewer items with "first", or for fewer fields of each.`, {
    extensions: { code: "QUERY_TOO_COMPLEX", http: { status: 400 } },
  });
}

/** The limits as a plugin of Apollo Server. */
export function limitsPlugin(): ApolloServerPlugin<GraphqlContext> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ schema, document, operation, request, operationName, contextValue }) {
          if (operation?.operation === "subscription") {
            throw toRequestError(new BadUserInput("Subscriptions are answered at /graphql/stream."));
          }
          assertRequestWithinLimits(schema, document, {
            variables: request.variables,
            operationName: operationName ?? undefined,
          });
          const pictures = countFields(document, "similarItemsByImage");
          if (pictures > 0) await countPictures(contextValue, pictures);
        },
      };
    },
  };
}

/** @throws GraphQLError with the code RATE_LIMITED */
async function countPictures(context: GraphqlContext, count: number): Promise<void> {
  try {
    await context.countPictures?.(count);
  } catch (error) {
    throw error instanceof LookalikeError ? toRequestError(error) : error;
  }
}

function countFields(document: DocumentNode, name: string): number {
  let count = 0;
  visit(document, {
    Field(field) {
      if (field.name.value === name) count += 1;
    },
  });
  return count;
}

/** Walks with a list of its own, because variables may be nested deeper than calls can be. */
function holdsUnstorable(variables: unknown): boolean {
  const waiting = [variables];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string" && UNSTORABLE.test(value)) return true;
    if (value === null || typeof value !== "object") continue;
    if (!Array.isArray(value) && Object.keys(value).some((key) => UNSTORABLE.test(key))) return true;
    for (const entry of Object.values(value)) waiting.push(entry);
  }
  return false;
}

function documentHoldsUnstorable(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    StringValue({ value }) {
      found ||= UNSTORABLE.test(value);
    },
  });
  return found;
}
