import type { ProductStatus } from "../catalog/products/catalog-event.type.js";
import { scopedGroup } from "./product-vectors.repository.js";
import type { Hidden, NeighbourFilter } from "./vectors.type.js";

/** Collects the values of `$1…`. */
export interface Parameters {
  readonly values: unknown[];
  /** Adds a value and gives its placeholder. */
  bind(value: unknown): string;
}

export function createParameters(): Parameters {
  const values: unknown[] = [];
  return {
    values,
    bind(value) {
      values.push(value);
      return `$${values.length}`;
    },
  };
}

const STATUSES: readonly ProductStatus[] = ["ACTIVE", "DRAFT", "ARCHIVED"];

/** Where a condition finds a product's columns: beside its vector, or in the catalog. */
export interface FilteredTable {
  readonly alias: string;
  /** Expression of the product's id, of its group as its source names it, and of its group among all sources'. */
  readonly id: string;
  readonly group: string;
  readonly scopedGroup: string;
}

export const vectorTable = (alias: string): FilteredTable => ({
  alias,
  id: `${alias}.product_id`,
  group: `split_part(${alias}.group_key, E'\\x1f', 2)`,
  scopedGroup: `${alias}.group_key`,
});

export const catalogTable = (alias: string): FilteredTable => ({
  alias,
  id: `${alias}.id`,
  group: `${alias}.group_key`,
  scopedGroup: scopedGroup(alias),
});

/**
 * A value that the planner does not look at. Where it does, it finds the plan for the values at hand cheaper than the
 * general one and plans a prepared statement anew for every search, which takes 0.5 ms here: more than a search of 500
 * products.
 */
export function hidden(value: unknown, type: string, { bind }: Parameters): string {
  return `(SELECT ${bind(value)}::${type})`;
}

/** "Is one of these." A single value is compared as such, because of an array the planner assumes ten values. */
export function oneOf(column: string, values: readonly unknown[], type: string, parameters: Parameters): string {
  return values.length === 1
    ? `${column} = ${hidden(values[0], type, parameters)}`
    : `${column} = ANY(${hidden(values, `${type}[]`, parameters)}::${type}[])`;
}

/** Smallest array after every path that starts with `path`, in collation C: U+0001 is the least that can follow. */
export function afterPath(path: readonly string[]): string[] {
  return [...path.slice(0, -1), `${path.at(-1)}\u0001`];
}

/** "Starts with this path", as a range that the btree on `category_path COLLATE "C"` answers. */
export function pathCondition(column: string, from: string, until: string): string {
  return `(${column} COLLATE "C" >= ${from} AND ${column} COLLATE "C" < ${until})`;
}

/**
 * Binds the filter's values once; the result renders the conditions for any table that has the columns. An empty list
 * restricts nothing.
 */
export function bindFilter(
  filter: NeighbourFilter,
  parameters: Parameters,
  hide: Hidden = {},
): (table: FilteredTable) => string[] {
  const { bind } = parameters;
  const parts: ((table: FilteredTable) => string)[] = [];
  const wanted = filter.statuses?.length ? filter.statuses : (["ACTIVE"] as const);
  // Literals, because the planner knows how common each is.
  const statuses = STATUSES.filter((status) => wanted.includes(status)).map((status) => `'${status}'`);
  parts.push(({ alias }) => `${alias}.status IN (${statuses.join(", ")})`);

  const paths = (filter.categories ?? []).filter((path) => path.length > 0);
  if (paths.length > 0 && paths.length === filter.categories?.length) {
    const ranges = paths.map(
      (path) => [hidden(path, "text[]", parameters), hidden(afterPath(path), "text[]", parameters)] as const,
    );
    parts.push(({ alias }) => {
      const column = `${alias}.category_path`;
      return `(${ranges.map(([from, until]) => pathCondition(column, from, until)).join(" OR ")})`;
    });
  }
  if (filter.brands?.length) {
    const isOne = oneOf("brand", filter.brands, "text", parameters);
    parts.push(({ alias }) => `${alias}.${isOne}`);
  }
  if (filter.price !== undefined) {
    const { currency, minMinor, maxMinor } = filter.price;
    const code = hidden(currency, "text", parameters);
    const least = minMinor === undefined ? undefined : hidden(minMinor, "bigint", parameters);
    const most = maxMinor === undefined ? undefined : hidden(maxMinor, "bigint", parameters);
    parts.push(({ alias }) =>
      [
        `${alias}.currency = ${code}`,
        ...(least === undefined ? [] : [`${alias}.price_minor >= ${least}`]),
        ...(most === undefined ? [] : [`${alias}.price_minor <= ${most}`]),
      ].join(" AND "),
    );
  }
  if (filter.inStock !== undefined) {
    const inStock = bind(filter.inStock);
    parts.push(({ alias }) => `${alias}.in_stock = ${inStock}::boolean`);
  }
  for (const { name, values } of filter.attributes ?? []) {
    // Containment, one value at a time, because that is what the GIN index answers.
    const wanted = values.map((value) => bind(JSON.stringify({ [name]: [value] })));
    if (wanted.length === 0) continue;
    const any = wanted.map((value) => `has.attributes @> ${value}::jsonb`).join(" OR ");
    parts.push(({ id }) => `${id} IN (SELECT has.id FROM product has WHERE ${any})`);
  }
  if (filter.excludeProductIds?.length) {
    const ids = bind(filter.excludeProductIds);
    parts.push(({ id }) => `${id} <> ALL(${ids}::bigint[])`);
  }
  if (filter.excludeGroups?.length) {
    const groups = bind(filter.excludeGroups);
    parts.push(({ alias, group }) => `(${alias}.group_key IS NULL OR ${group} <> ALL(${groups}::text[]))`);
  }
  if (hide.productIds?.length) {
    const ids = bind(hide.productIds);
    parts.push(({ id }) => `${id} <> ALL(${ids}::bigint[])`);
  }
  if (hide.groups?.length) {
    const groups = bind(hide.groups);
    parts.push(
      ({ alias, scopedGroup: scoped }) => `(${alias}.group_key IS NULL OR ${scoped} <> ALL(${groups}::text[]))`,
    );
  }
  return (table) => parts.map((part) => part(table));
}
