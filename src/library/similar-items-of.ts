import {
  coerceInputValue,
  type GraphQLField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
} from "graphql";
import { BadUserInput } from "../errors.js";
import type { Logger } from "../logger.js";
import { forHost, ownContext } from "./host-context.js";
import type { Lookalike } from "./lookalike.type.js";

/** `Product.similarItems` for a field of a type that is not ours. */
export function createSimilarItemsOf(whole: GraphQLSchema, logger: Logger): Lookalike["similarItems"] {
  const product = whole.getType("Product");
  const field = isObjectType(product) ? product.getFields().similarItems : undefined;
  if (field?.resolve === undefined) throw new Error("The schema has no Product.similarItems.");
  const find = forHost(async (reference, args, context, info) => {
    const { productReference } = ownContext({ lookalike: context }).loaders;
    const key = await productReference.load(reference as string);
    return key === undefined ? null : field.resolve!({ key }, coerceArguments(field, args), context, info);
  }, logger);
  // Our resolver reads nothing of the field that it is asked for.
  return async (reference, args, context) => find(reference, { ...args }, context, {} as GraphQLResolveInfo);
}

/** Checks arguments and completes them with the defaults, as GraphQL does with those of a query. @throws BadUserInput */
function coerceArguments(
  { args }: GraphQLField<unknown, unknown>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = args.flatMap(({ name, type, defaultValue }): [string, unknown][] => {
    const value = given[name];
    if (value === undefined || (value === null && defaultValue !== undefined)) {
      return defaultValue === undefined ? [] : [[name, defaultValue]];
    }
    const coerced: unknown = coerceInputValue(value, type, (path, _, error) => {
      throw new BadUserInput(`${error.message} (in ${[name, ...path].join(".")})`, [name, ...path.map(String)]);
    });
    return [[name, coerced]];
  });
  return Object.fromEntries(known);
}
