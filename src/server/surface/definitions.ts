import {
  type DefinitionNode,
  type DocumentNode,
  type GraphQLSchema,
  isTypeDefinitionNode,
  Kind,
  lexicographicSortSchema,
  parse,
  printSchema,
  specifiedScalarTypes,
  type TypeDefinitionNode,
  visit,
} from "graphql";
import type { RootFields } from "./storefront-fields.js";

const ROOTS = ["Query", "Mutation", "Subscription"] as const;
type Root = (typeof ROOTS)[number];
const BUILT_IN = new Set(specifiedScalarTypes.map(({ name }) => name));

/** The types of a schema as its SDL defines them, in alphabetical order. Directives are left to whoever uses them. */
export function definitionsOf(schema: GraphQLSchema): TypeDefinitionNode[] {
  return parse(printSchema(lexicographicSortSchema(schema)), { noLocation: true }).definitions.filter(
    isTypeDefinitionNode,
  );
}

/** Only these fields of Query, Mutation and Subscription; a root type that is left without any goes too. */
export function keepRootFields(definitions: readonly TypeDefinitionNode[], kept: RootFields): TypeDefinitionNode[] {
  return definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION || !isRoot(definition.name.value)) return [definition];
    const names = kept[definition.name.value] ?? [];
    const fields = definition.fields?.filter(({ name }) => names.includes(name.value)) ?? [];
    return fields.length === 0 ? [] : [{ ...definition, fields }];
  });
}

/** Only what the root types, and these types, lead to. */
export function withoutUnreachable(
  definitions: readonly TypeDefinitionNode[],
  alsoFrom: readonly string[] = [],
): TypeDefinitionNode[] {
  const byName = new Map(definitions.map((definition) => [definition.name.value, definition]));
  const reached = new Set<string>();
  const waiting: string[] = [...ROOTS, ...alsoFrom];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const definition = byName.get(name);
    if (definition === undefined || reached.has(name)) continue;
    reached.add(name);
    visit(definition, {
      enter(node) {
        if (node.kind === Kind.NAMED_TYPE) waiting.push(node.name.value);
      },
    });
  }
  return definitions.filter(({ name }) => reached.has(name.value));
}

/** Other names for types, wherever they are named. Root types and built-in scalars keep theirs. */
export function renameTypes(
  definitions: readonly TypeDefinitionNode[],
  rename: (name: string) => string,
): TypeDefinitionNode[] {
  const renamed = visit(documentOf(definitions), {
    enter: (node) =>
      node.kind === Kind.NAMED_TYPE || isTypeDefinitionNode(node)
        ? { ...node, name: { ...node.name, value: newName(node.name.value, rename) } }
        : undefined,
  });
  return renamed.definitions.filter(isTypeDefinitionNode);
}

/** What a type is called after `renameTypes`. */
export function newName(name: string, rename: (name: string) => string): string {
  return isRoot(name) || BUILT_IN.has(name) ? name : rename(name);
}

export function documentOf(definitions: readonly DefinitionNode[]): DocumentNode {
  return { kind: Kind.DOCUMENT, definitions };
}

export function isRoot(name: string): name is Root {
  return (ROOTS as readonly string[]).includes(name);
}
