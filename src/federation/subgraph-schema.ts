import { makeExecutableSchema } from "@graphql-tools/schema";
import { type GraphQLSchema, isObjectType, print } from "graphql";
import { BadUserInput } from "../errors.js";
import type { GraphqlContext } from "../server/graphql-context.type.js";
import {
  documentOf,
  type FieldResolver,
  mapResolvers,
  type ResolverMap,
  renameResolvers,
  renameTypes,
  resolversOf,
  type TypeResolvers,
} from "../server/surface/index.js";
import type { SimilarItemConnectionObject } from "../similar/similar-items.object.js";
import type { ProductKey } from "./product-key.js";
import { resolveExcluded } from "./resolve-excluded.js";
import { nameInSubgraph, printSubgraph, subgraphDefinitions } from "./subgraph-definitions.js";

/** What a router asks of every subgraph: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec */
const PROTOCOL = `
  scalar _Any
  union _Entity = Product
  type _Service { sdl: String! }
  extend type Query {
    _service: _Service!
    _entities(representations: [_Any!]!): [_Entity]!
  }
`;

/** Pages of a supergraph list some hundred products at most. */
const MOST_REPRESENTATIONS = 1_000;

/** Values of the key that are not the product's own, by field. */
type Passed = Readonly<Record<string, unknown>>;

/** A product as the subgraph knows it: one of ours, or one that a router refers to. */
interface SubgraphProduct {
  readonly key?: bigint;
  readonly externalId?: string;
  readonly reference?: string;
  readonly passed?: Passed;
}

/**
 * The Federation 2 subgraph over a whole schema: `Product.similarItems` and the searches of a storefront. A product that
 * we do not have, or that is not published, has no similar items: null, and the page around it stands.
 * @param wrap what becomes of every resolver; left out: nothing
 */
export function buildSubgraphSchema(
  schema: GraphQLSchema,
  key: ProductKey,
  wrap: (resolver: FieldResolver) => FieldResolver = (resolver) => resolver,
): GraphQLSchema {
  const definitions = subgraphDefinitions(schema, key);
  const sdl = printSubgraph(definitions, key);
  const resolvers = withFederation(renameResolvers(resolversOf(schema, definitions), nameInSubgraph), sdl, key, schema);
  const typeDefs = [print(documentOf(renameTypes(definitions, nameInSubgraph))), PROTOCOL];
  return makeExecutableSchema({ typeDefs, resolvers: mapResolvers(resolvers, wrap) });
}

function withFederation(map: ResolverMap, sdl: string, key: ProductKey, schema: GraphQLSchema): ResolverMap {
  const others = key.others.map(({ name }) => name);
  return {
    ...map,
    Query: {
      ...passingOn(map.Query as TypeResolvers, others, schema),
      _service: () => ({ sdl }),
      _entities: (_, { representations }) => {
        const asked = representations as unknown[];
        if (asked.length <= MOST_REPRESENTATIONS) return asked.map((representation) => toProduct(representation, key));
        throw new BadUserInput(`At most ${MOST_REPRESENTATIONS} representations are answered at once.`, [
          "representations",
        ]);
      },
    },
    _Entity: { __resolveType: () => "Product" },
    Product: productResolvers(map.Product as TypeResolvers, key),
  };
}

function productResolvers({ similarItems }: TypeResolvers, key: ProductKey): TypeResolvers {
  const find = similarItems as FieldResolver;
  const passed = key.others.map(({ name }): [string, FieldResolver] => [
    name,
    (root) => (root as SubgraphProduct).passed?.[name] ?? null,
  ]);
  return {
    ...Object.fromEntries(passed),
    [key.id.name]: (root) => {
      const { externalId, reference } = root as SubgraphProduct;
      return externalId ?? reference;
    },
    similarItems: async (root, args, context, info) => {
      const product = root as SubgraphProduct;
      const { loaders } = context as GraphqlContext;
      const id = product.key ?? (await loaders.productReference.load(product.reference!));
      if (id === undefined) return null;
      return passOn(await find({ key: id }, await resolveExcluded(args, loaders), context, info), product.passed);
    },
  };
}

/** The searches that lead to products, with arguments for what belongs to the key alone. */
function passingOn(resolvers: TypeResolvers, others: readonly string[], schema: GraphQLSchema): TypeResolvers {
  const connection = schema.getType("SimilarItemConnection");
  const fields = schema.getQueryType()?.getFields() ?? {};
  return Object.fromEntries(
    Object.entries(resolvers).map(([name, resolver]) => {
      const type = fields[name]?.type;
      const leadsToProducts = isObjectType(connection) && String(type).replace("!", "") === connection.name;
      if (!leadsToProducts || typeof resolver !== "function") return [name, resolver];
      const passing: FieldResolver = async (root, args, context, info) => {
        const passed = Object.fromEntries(others.map((other) => [other, args[other]]));
        const own = Object.fromEntries(Object.entries(args).filter(([argument]) => !others.includes(argument)));
        const { loaders } = context as GraphqlContext;
        return passOn(await resolver(root, await resolveExcluded(own, loaders), context, info), passed);
      };
      return [name, passing];
    }),
  );
}

function passOn(found: unknown, passed: Passed | undefined): unknown {
  if (passed === undefined || Object.keys(passed).length === 0) return found;
  const connection = found as SimilarItemConnectionObject;
  return {
    ...connection,
    edges: connection.edges.map((edge) => ({ ...edge, node: { ...edge.node, passed } })),
    nodes: connection.nodes.map((node) => ({ ...node, passed })),
  };
}

/** A mistake in one representation is returned, so that the others are answered. */
function toProduct(representation: unknown, key: ProductKey): SubgraphProduct | BadUserInput {
  const fields = representation as Record<string, unknown> | null;
  const reference = fields?.[key.id.name];
  const isProduct = typeof fields === "object" && fields?.__typename === "Product";
  if (!isProduct || (typeof reference !== "string" && typeof reference !== "number") || reference === "") {
    return new BadUserInput(`A representation must be {__typename: "Product", ${key.id.name}: …}.`, [
      "representations",
    ]);
  }
  return {
    reference: String(reference),
    passed: Object.fromEntries(key.others.map(({ name }) => [name, fields[name]])),
  };
}
