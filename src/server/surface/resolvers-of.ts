import {
  type GraphQLFieldResolver,
  GraphQLScalarType,
  type GraphQLSchema,
  Kind,
  type TypeDefinitionNode,
} from "graphql";
import { createResolversMap } from "type-graphql";
import { newName } from "./definitions.js";

export type FieldResolver = GraphQLFieldResolver<unknown, unknown>;

/** A field of a subscription has a source of events beside its resolver. */
export interface SubscriptionResolver {
  readonly subscribe: FieldResolver;
  readonly resolve?: FieldResolver;
}

/** How the fields of a type are answered; for an enum, what its values are inside. */
export type TypeResolvers = Record<string, FieldResolver | SubscriptionResolver | string>;

/** Resolvers by type, as every GraphQL server for JavaScript takes them. */
export type ResolverMap = Record<string, GraphQLScalarType | TypeResolvers>;

/**
 * The resolvers of a schema as a plain map, for the types and fields that are defined here and nothing else: builders of
 * schemas refuse resolvers of fields that do not exist.
 */
export function resolversOf(schema: GraphQLSchema, definitions: readonly TypeDefinitionNode[]): ResolverMap {
  const all = createResolversMap(schema) as ResolverMap;
  const map: ResolverMap = {};
  for (const definition of definitions) {
    const name = definition.name.value;
    const resolvers = all[name];
    if (resolvers === undefined || resolvers instanceof GraphQLScalarType) {
      if (resolvers) map[name] = resolvers;
      continue;
    }
    const fields =
      definition.kind === Kind.OBJECT_TYPE_DEFINITION
        ? new Set(definition.fields?.map((field) => field.name.value))
        : undefined;
    map[name] = Object.fromEntries(
      Object.entries(resolvers).filter(([field]) => fields === undefined || fields.has(field)),
    );
  }
  return map;
}

/** The map with the resolver of every field replaced by what `wrap` makes of it. */
export function mapResolvers(map: ResolverMap, wrap: (resolver: FieldResolver) => FieldResolver): ResolverMap {
  const wrapped = (value: TypeResolvers[string]): TypeResolvers[string] => {
    if (typeof value === "function") return wrap(value);
    if (typeof value === "string") return value;
    return { subscribe: wrap(value.subscribe), ...(value.resolve ? { resolve: wrap(value.resolve) } : {}) };
  };
  return Object.fromEntries(
    Object.entries(map).map(([type, resolvers]) => [
      type,
      resolvers instanceof GraphQLScalarType
        ? resolvers
        : Object.fromEntries(
            Object.entries(resolvers).map(([field, value]) => [field, field.startsWith("__") ? value : wrapped(value)]),
          ),
    ]),
  );
}

/** The map for types that were given other names, as `renameTypes` gives them. */
export function renameResolvers(map: ResolverMap, rename: (name: string) => string): ResolverMap {
  return Object.fromEntries(
    Object.entries(map).map(([type, resolvers]) => {
      const name = newName(type, rename);
      if (!(resolvers instanceof GraphQLScalarType)) return [name, resolvers];
      return [
        name,
        new GraphQLScalarType({ ...resolvers.toConfig(), name, astNode: undefined, extensionASTNodes: [] }),
      ];
    }),
  );
}
