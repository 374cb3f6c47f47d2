import { bindPaths, pathCondition, ringAt } from "./category-guard.js";
import { bindFilter, vectorTable } from "./filter-sql.js";
import { hidden, type Parameters } from "./parameters.js";
import { nearPrice } from "./seed-sql.js";
import type { Hidden, SearchConditions, Seeds } from "./vectors.type.js";

/**
 * How much farther than `maxDistance` the vector of a product with several photos may lie, while a pair of photos may
 * still be near enough to be shown. Everything within it is looked at, so more costs windows.
 */
const PAIR_SLACK = 0.2;

export interface BoundConditions {
  /** On a candidate `alias` for the seed `s`, wherever it is in the catalog and in the ranking. */
  anywhere(alias: string): string[];
  /** That it is in the categories of this step outwards. */
  inRing(alias: string): string[];
  /** That it is where the steps before have searched; undefined at the first. */
  searchedBefore: ((alias: string) => string) | undefined;
}

/** The conditions of a search, with their values bound. */
export function bindConditions(
  conditions: SearchConditions & { readonly hidden?: Hidden; readonly level?: number },
  seeds: Seeds,
  parameters: Parameters,
): BoundConditions {
  const filter = bindFilter(conditions.filter, parameters, notShown(conditions, seeds));
  const most =
    conditions.maxDistance === undefined ? undefined : hidden(conditions.maxDistance - 1, "float8", parameters);
  const nearEnough = (alias: string): string => {
    const rank = `(${alias}.vec <#> s.vec)`;
    const several = `(cardinality(${alias}.blob_ids) > 1 OR cardinality(s.blob_ids) > 1)`;
    const own = `${rank} <= ${most}`;
    return conditions.match === "PRODUCT" ? own : `(${own} OR (${several} AND ${rank} <= ${most} + ${PAIR_SLACK}))`;
  };
  const ofProduct = seeds.by === "product" || seeds.by === "external";
  return {
    anywhere: (alias) => [
      ...filter(vectorTable(alias)),
      ...(conditions.filter.relativePrice === undefined ? [] : [nearPrice(alias)]),
      ...(ofProduct ? [`${alias}.product_id <> s.product_id`] : []),
      ...(ofProduct && conditions.oneOfGroup
        ? [`(${alias}.group_key IS NULL OR s.group_key IS NULL OR ${alias}.group_key <> s.group_key)`]
        : []),
      ...(most === undefined ? [] : [nearEnough(alias)]),
    ],
    ...bindRing(conditions, seeds, parameters),
  };
}

function bindRing(
  { sameCategory, level = 0 }: SearchConditions & { readonly level?: number },
  seeds: Seeds,
  parameters: Parameters,
): Pick<BoundConditions, "inRing" | "searchedBefore"> {
  const everywhere = { inRing: () => [], searchedBefore: undefined };
  if (!sameCategory || seeds.by === "picture") return everywhere;
  if (seeds.by === "blend") {
    if (seeds.categories.length === 0) return everywhere;
    const { within, beyond } = ringAt(seeds.categories, level);
    const isWithin = bindPaths(within, parameters);
    if (beyond.length === 0)
      return { inRing: (alias) => [isWithin(`${alias}.category_path`)], searchedBefore: undefined };
    const isBefore = bindPaths(beyond, parameters);
    return {
      inRing: (alias) => [isWithin(`${alias}.category_path`), `NOT ${isBefore(`${alias}.category_path`)}`],
      searchedBefore: (alias) => isBefore(`${alias}.category_path`),
    };
  }
  const isWithin = (alias: string): string =>
    pathCondition(`${alias}.category_path`, "s.within_path", "s.within_until");
  if (level === 0) return { inRing: (alias) => [isWithin(alias)], searchedBefore: undefined };
  const isBefore = (alias: string): string =>
    pathCondition(`${alias}.category_path`, "s.beyond_path", "s.beyond_until");
  return { inRing: (alias) => [isWithin(alias), `NOT ${isBefore(alias)}`], searchedBefore: isBefore };
}

/** What is hidden, and what a blend is made of. */
function notShown(conditions: SearchConditions & { readonly hidden?: Hidden }, seeds: Seeds): Hidden {
  const own = seeds.by === "blend" ? seeds : undefined;
  return {
    productIds: [...(own?.productIds ?? []), ...(conditions.hidden?.productIds ?? [])],
    groups: [...(conditions.oneOfGroup ? (own?.groups ?? []) : []), ...(conditions.hidden?.groups ?? [])],
  };
}
