import { makeExecutableSchema } from "@graphql-tools/schema";
import { type GraphQLSchema, print } from "graphql";
import { BadUserInput } from "../errors.js";
import {
  definitionsOf,
  documentOf,
  type FieldResolver,
  keepRootFields,
  mapResolvers,
  type ResolverMap,
  type RootFields,
  renameResolvers,
  renameTypes,
  resolversOf,
  STOREFRONT_FIELDS,
  withoutUnreachable,
} from "../server/surface/index.js";
import type { LookalikeOptions } from "./lookalike.type.js";

export interface ChosenSchema {
  readonly typeDefs: string;
  readonly resolvers: ResolverMap;
  readonly schema: GraphQLSchema;
}

/**
 * The part of the whole schema that a host asked for, under the names that it asked for.
 * @param wrap what becomes of every resolver
 * @throws BadUserInput for a field that does not exist or a prefix that cannot be one
 */
export function chooseFields(
  whole: GraphQLSchema,
  { fields = "storefront", typePrefix = "" }: Pick<LookalikeOptions, "fields" | "typePrefix">,
  wrap: (resolver: FieldResolver) => FieldResolver,
): ChosenSchema {
  if (!/^([A-Za-z]\w{0,60})?$/.test(typePrefix)) {
    throw new BadUserInput("typePrefix must begin with a letter and hold letters, digits and _ only.", ["typePrefix"]);
  }
  const kept = rootFields(whole, fields);
  const all = definitionsOf(whole);
  const definitions = kept === undefined ? all : withoutUnreachable(keepRootFields(all, kept));
  const rename = (name: string): string => typePrefix + name;
  const typeDefs = `${print(documentOf(renameTypes(definitions, rename)))}\n`;
  const resolvers = renameResolvers(mapResolvers(resolversOf(whole, definitions), wrap), rename);
  return { typeDefs, resolvers, schema: makeExecutableSchema({ typeDefs, resolvers }) };
}

function rootFields(whole: GraphQLSchema, fields: NonNullable<LookalikeOptions["fields"]>): RootFields | undefined {
  if (fields === "everything") return undefined;
  if (fields === "storefront") return STOREFRONT_FIELDS;
  const roots = {
    Query: Object.keys(whole.getQueryType()?.getFields() ?? {}),
    Mutation: Object.keys(whole.getMutationType()?.getFields() ?? {}),
    Subscription: Object.keys(whole.getSubscriptionType()?.getFields() ?? {}),
  };
  const known = new Set(Object.values(roots).flat());
  const unknown = fields.filter((field) => !known.has(field));
  if (unknown.length > 0 || !roots.Query.some((field) => fields.includes(field))) {
    throw new BadUserInput(
      unknown.length > 0
        ? `fields names ${unknown.join(", ")}, which the schema does not have; see schema/schema.graphql.`
        : "fields must name at least one query; see schema/schema.graphql.",
      ["fields"],
    );
  }
  return Object.fromEntries(
    Object.entries(roots).map(([root, names]) => [root, names.filter((name) => fields.includes(name))]),
  );
}
