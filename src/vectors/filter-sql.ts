import type { ProductStatus } from "../catalog/products/catalog-event.type.js";
import { bindPaths } from "./category-guard.js";
import { hidden, oneOf, type Parameters } from "./parameters.js";
import { namedChannels, scopedGroup } from "./product-vectors.repository.js";
import type { Hidden, NeighbourFilter } from "./vectors.type.js";

const STATUSES: readonly ProductStatus[] = ["ACTIVE", "DRAFT", "ARCHIVED"];

/** Where a condition finds a product's columns: beside its vector, or in the catalog. */
export interface FilteredTable {
  readonly alias: string;
  /** Expression of the product's id, of its group as its source names it, and of its group among all sources'. */
  readonly id: string;
  readonly group: string;
  readonly scopedGroup: string;
  /** Expression of the sales channels that it names; null when it names none. */
  readonly channels: string;
}

export const vectorTable = (alias: string): FilteredTable => ({
  alias,
  id: `${alias}.product_id`,
  group: `split_part(${alias}.group_key, E'\\x1f', 2)`,
  scopedGroup: `${alias}.group_key`,
  channels: `${alias}.channels`,
});

export const catalogTable = (alias: string): FilteredTable => ({
  alias,
  id: `${alias}.id`,
  group: `${alias}.group_key`,
  scopedGroup: scopedGroup(alias),
  channels: namedChannels(alias),
});

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
    const isIn = bindPaths(paths, parameters);
    parts.push(({ alias }) => isIn(`${alias}.category_path`));
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
  if (filter.channel !== undefined) {
    const channel = hidden(filter.channel, "text", parameters);
    parts.push(({ channels }) => `(${channels} IS NULL OR ${channel} = ANY(${channels}::text[]))`);
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
