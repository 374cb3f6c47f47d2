import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from "graphql";
import type { Random } from "./random-catalog.js";
import type { RandomValues } from "./random-values.js";

export interface RandomDocument {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

/** Documents of a schema: whole ones, and ones that somebody broke. */
export interface RandomDocuments {
  next(): RandomDocument;
}

export function createRandomDocuments(
  schema: GraphQLSchema,
  random: Random,
  values: RandomValues,
  tame: RandomValues,
): RandomDocuments {
  const { pick, chance, below } = random;

  /** A document that validates, unless `wrong` makes a value another one than its type takes. */
  const whole = (wrong: number, from = values): RandomDocument => {
    const roots = [schema.getQueryType(), schema.getQueryType(), schema.getQueryType(), schema.getMutationType()];
    const root = (chance(0.03) ? schema.getSubscriptionType() : pick(roots)) ?? schema.getQueryType()!;
    const variables: Record<string, unknown> = {};
    const declared: string[] = [];
    const fragments: string[] = [];

    const argument = ({ name, type }: GraphQLArgument): string => {
      const value = from.of(type, name, wrong);
      if (!chance(0.5)) return `${name}: ${literal(value, type)}`;
      const variable = `v${declared.length}`;
      declared.push(`$${variable}: ${String(type)}`);
      if (!chance(0.03)) variables[variable] = value;
      return `${name}: $${variable}`;
    };
    const directive = (): string => (chance(0.04) ? pick([" @include(if: true)", " @skip(if: false)"]) : "");
    const selections = (type: GraphQLObjectType, depth: number): string => {
      const fields = Object.values(type.getFields());
      const chosen = Array.from({ length: 1 + below(4) }, () => pick(fields)).map((field, place) => {
        const below_ = getNamedType(field.type);
        if (isObjectType(below_) && depth === 0) return "__typename";
        const given = field.args.filter((arg) => isRequiredArgument(arg) || chance(0.4)).map(argument);
        const args = given.length > 0 ? `(${given.join(", ")})` : "";
        // Two of one name with other arguments could not be merged.
        const alias = `f${depth}_${place}: `;
        const inner = isObjectType(below_) ? ` ${selections(below_, depth - 1)}` : "";
        return `${alias}${field.name}${args}${directive()}${inner}`;
      });
      if (chance(0.1)) chosen.push("__typename");
      if (!chance(0.1)) return `{ ${chosen.join(" ")} }`;
      const name = `F${fragments.length}`;
      fragments.push(`fragment ${name} on ${type.name} { ${chosen.join(" ")} }`);
      return `{ ...${name} }`;
    };

    const body = selections(root, 1 + below(5));
    const kind =
      root === schema.getQueryType() ? "query" : root === schema.getMutationType() ? "mutation" : "subscription";
    const header = declared.length > 0 ? `(${declared.join(", ")})` : "";
    return { query: `${kind} Random${header} ${body} ${fragments.join(" ")}`, variables };
  };

  const field = (): string => pick(["id", "title", "products { totalCount }", "__typename", "nodes { id }"]);
  /** Shapes that are dear, endless or against the rules. */
  const shapes: (() => string)[] = [
    () => `{ ${"products { nodes { similarItems { ".repeat(1 + below(60))}status${" } } }".repeat(60)}`,
    () => `{ ${Array.from({ length: 1 + below(200) }, (_, n) => `a${n}: product(id: "prod_${n}") { id }`).join(" ")} }`,
    () => `{ ${field()} `.repeat(1 + below(1_500)),
    () => `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ${field()} }`,
    () => {
      const levels = 1 + below(40);
      const doubled = Array.from(
        { length: levels },
        (_, n) => `fragment D${n} on Product { ...D${n + 1} ...D${n + 1} }`,
      );
      return `{ product(id: 1) { ...D0 } } ${doubled.join(" ")} fragment D${levels} on Product { id }`;
    },
    () =>
      `{ products(first: ${pick(["100", "1e3", "-1", "99999999999999999999", "1.5", '"1"', "null", "$x"])}) { nodes { id } } }`,
    () => `query ($a: Int, $a: Int) { products(first: $a) { totalCount } }`,
    () => `{ product(id: 1, id: 2) { id } product { id } }`,
    () => `query A { __typename } query A { __typename } query { __typename }`,
    () => `{ products { nodes { id: title id } } }`,
    () =>
      `{ product(id: 1) @include @skip(if: "x") @nothing(a: [1, {b: $c}]) @include(if: true) @include(if: true) { id } }`,
    () => `query Q($if: Boolean!) @skip(if: $if) { __typename @defer @stream(initialCount: -1) }`,
    () => `{ __schema { types { ${"fields { type { ".repeat(1 + below(12))}name${" } }".repeat(12)} } }`,
    () => `{ __type(name: ${JSON.stringify(values.text())}) { name ofType { name } } }`,
    () => `{ product(id: """${values.text().replaceAll('"""', "")}""") { id } }`,
    () => `{ product(id: ${"[".repeat(below(400))}1${"]".repeat(below(400))}) { id } }`,
    () => `{ similarItems(productId: 1, filter: ${"{ category: ".repeat(below(100))}1${" }".repeat(100)}) { status } }`,
    () => `type Query { a: Int } extend schema @link(url: "x") directive @x on FIELD`,
    () => `subscription { embeddingProgress { embeddedPhotos } importProgress(runId: "x") { state } }`,
    () => `mutation { refreshEmbeddings { photosToEmbed } deleteProducts(input: {}) { userErrors { code } } }`,
    () => `\ufeff#${"x".repeat(below(3_000))}\n{ __typename }`,
    () => `{${" ".repeat(below(100_000))}__typename${",".repeat(below(1_000))}}`,
    () => `fragment Only on Product { id }`,
    () => values.text(),
  ];

  /** Changes a few characters, or takes a piece out, or doubles one. */
  const broken = (text: string): string => {
    let result = text;
    for (let changes = 1 + below(4); changes > 0; changes -= 1) {
      const at = below(result.length + 1);
      const size = below(12);
      const changed = [
        () => result.slice(0, at) + pick([..."{}()[]:!$@|&=\"'\\#,. \u0000\ud800"]) + result.slice(at),
        () => result.slice(0, at) + result.slice(at + size),
        () => result.slice(0, at + size) + result.slice(at),
        () => result.slice(0, at),
      ];
      result = pick(changed)();
    }
    return result;
  };

  return {
    next() {
      const kind = below(100);
      if (kind < 30) return whole(0, tame);
      if (kind < 45) return whole(0);
      if (kind < 60) return whole(0.15);
      if (kind < 72) {
        const document = whole(0.05);
        return { ...document, query: broken(document.query) };
      }
      if (kind < 90) return { query: pick(shapes)(), ...(chance(0.3) ? { variables: values.anything() } : {}) };
      return {
        ...whole(0.02),
        variables: values.anything(),
        operationName: pick<unknown>(["Random", "Nothing", "", null, 7, {}, values.text()]),
      };
    },
  };
}

/** A value as it stands in a document: names of enums without quotes, of fields too. */
function literal(value: unknown, type: GraphQLInputType): string {
  const inner = isNonNullType(type) ? type.ofType : type;
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) {
    const item = isListType(inner) ? inner.ofType : inner;
    return `[${value.map((entry) => literal(entry, item)).join(", ")}]`;
  }
  if (typeof value === "object") {
    const fields = isInputObjectType(inner) ? inner.getFields() : {};
    const entries = Object.entries(value).map(([name, entry]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return `${/^[A-Za-z_]\w*$/.test(name) ? name : "odd"}: ${literal(entry, field?.type ?? inner)}`;
    });
    return `{ ${entries.join(", ")} }`;
  }
  if (isEnumType(inner) && typeof value === "string" && /^[A-Za-z_]\w*$/.test(value)) return value;
  return JSON.stringify(value);
}
