import {
  type FieldDefinitionNode,
  type GraphQLSchema,
  Kind,
  type NamedTypeNode,
  type ObjectTypeDefinitionNode,
  parseType,
  print,
  type TypeDefinitionNode,
  visit,
} from "graphql";
import {
  definitionsOf,
  documentOf,
  keepRootFields,
  renameTypes,
  SUBGRAPH_FIELDS,
  withoutUnreachable,
} from "../server/surface/index.js";
import type { KeyField, ProductKey } from "./product-key.js";

const PRODUCT = "Product";
const CONNECTION = "SimilarItemConnection";

/** Federation 2.0 has all that we use, so that any router of Federation 2 composes us. */
const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])';

/** A supergraph has one type a name, and most shops have a Money and a PageInfo of their own. */
export function nameInSubgraph(name: string): string {
  return name === PRODUCT || name.startsWith("SimilarItem") ? name : `Lookalike${name}`;
}

/**
 * The definitions of the subgraph, by the names that they have in the whole schema. A product is its key and its similar
 * items; everything else about it is told by other subgraphs. Where the whole schema promises a product, the subgraph
 * does not: one that the shop has deleted a moment ago must not take the list away. Model versions stay with the API for
 * administrators.
 */
export function subgraphDefinitions(schema: GraphQLSchema, key: ProductKey): TypeDefinitionNode[] {
  const definitions = keepRootFields(definitionsOf(schema), SUBGRAPH_FIELDS).map((definition) => {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
    if (definition.name.value === PRODUCT) return stubOfProduct(definition, key);
    if (definition.name.value === CONNECTION) return withNullableProducts(withoutField(definition, "model"));
    return withNullableProducts(definition.name.value === "Query" ? withArguments(definition, key.others) : definition);
  });
  return withoutUnreachable(definitions, [PRODUCT]);
}

/** The SDL that a router composes. */
export function printSubgraph(definitions: readonly TypeDefinitionNode[], key: ProductKey): string {
  const fields = [key.id, ...key.others].map(({ name }) => name).join(" ");
  const renamed = renameTypes(definitions, nameInSubgraph);
  const text = print(documentOf(renamed.toSorted((a, b) => (a.name.value < b.name.value ? -1 : 1))));
  return `${LINK}\n\n${text.replace(/^type Product \{$/m, `type Product @key(fields: "${fields}") {`)}\n`;
}

function stubOfProduct(product: ObjectTypeDefinitionNode, key: ProductKey): ObjectTypeDefinitionNode {
  const similarItems = product.fields?.filter(({ name }) => name.value === "similarItems") ?? [];
  return {
    kind: Kind.OBJECT_TYPE_DEFINITION,
    name: product.name,
    fields: [...[key.id, ...key.others].map(fieldOf), ...similarItems],
  };
}

function withoutField(definition: ObjectTypeDefinitionNode, name: string): ObjectTypeDefinitionNode {
  return { ...definition, fields: definition.fields?.filter((field) => field.name.value !== name) ?? [] };
}

function fieldOf({ name, type }: KeyField): FieldDefinitionNode {
  return { kind: Kind.FIELD_DEFINITION, name: { kind: Kind.NAME, value: name }, type: parseType(type) };
}

function withNullableProducts(definition: ObjectTypeDefinitionNode): ObjectTypeDefinitionNode {
  return visit(definition, {
    enter: (node): NamedTypeNode | undefined =>
      node.kind === Kind.NON_NULL_TYPE && node.type.kind === Kind.NAMED_TYPE && node.type.name.value === PRODUCT
        ? node.type
        : undefined,
  });
}

/** What belongs to the key and not to the product must be said where a search starts with no product of the supergraph. */
function withArguments(query: ObjectTypeDefinitionNode, others: readonly KeyField[]): ObjectTypeDefinitionNode {
  const added = others.map(({ name, type }) => ({
    kind: Kind.INPUT_VALUE_DEFINITION as const,
    name: { kind: Kind.NAME as const, value: name },
    type: parseType(type),
  }));
  const fields = query.fields?.map((field) => {
    const leadsToProducts = print(field.type).replace("!", "") === CONNECTION;
    return leadsToProducts ? { ...field, arguments: [...(field.arguments ?? []), ...added] } : field;
  });
  return { ...query, ...(fields ? { fields } : {}) };
}
