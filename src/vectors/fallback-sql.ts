import type { Database } from "../database/database.type.js";
import { type CategoryPath, ringAt } from "./category-guard.js";
import { bindConditions } from "./conditions-sql.js";
import { bindFilter, catalogTable } from "./filter-sql.js";
import { createParameters } from "./parameters.js";
import { partitionsOf } from "./partitions.js";
import type { Statement } from "./search-sql.js";
import { closestPair, nearPrice, type SearchedModel, seedPhotos, seedQuery } from "./seed-sql.js";
import type { FallbackRequest } from "./vectors.type.js";

/** What a product whose popularity nobody knows is sorted by. */
const UNKNOWN = "'-Infinity'::float8";

/**
 * Products of a step outwards from the seed's category that its search does not show, the most popular first, then the
 * newest. "Shown" is decided product by product from the conditions of the search, so that a page needs to know nothing
 * of the pages before it.
 */
export function fallbackStatement(request: FallbackRequest, model: SearchedModel, kind: Database["kind"]): Statement {
  const parameters = createParameters();
  const { bind } = parameters;
  const { seeds, categories, level, filter } = request;
  const seedText = seedQuery(
    { seeds, level: 0, relativePrice: filter.relativePrice },
    model,
    { scan: "exact" },
    kind,
    parameters,
  );
  // Without the categories of the search, which are not asked about here: Postgres refuses values that nothing names.
  const { anywhere } = bindConditions({ ...request, sameCategory: false }, seeds, parameters);
  const catalog = bindFilter(filter, parameters, request.hidden);
  const { product } = partitionsOf(model.id);

  const passes = (alias: string): string[] => [
    `${alias}.deleted_at IS NULL`,
    ...catalog(catalogTable(alias)),
    ...(filter.relativePrice === undefined ? [] : [nearPrice(alias)]),
  ];
  const bindIn = (paths: readonly CategoryPath[]): ((alias: string) => string) => {
    const bound = paths.map((path) => `${bind(path)}::text[]`);
    // The first is what the GIN index answers, the second what is meant.
    return (alias) =>
      `(${bound.map((path) => `${alias}.category_path @> ${path} AND ${alias}.category_path[1:cardinality(${path})] = ${path}`).join(" OR ")})`;
  };
  const ring = ringAt(categories, level);
  const within = ring.within.length === 0 ? undefined : bindIn(ring.within);
  const beyond = ring.beyond.length === 0 ? undefined : bindIn(ring.beyond);
  const searched = searchedCategories(request);
  const guard = searched.length === 0 || !request.oneOfGroup ? undefined : bindIn(searched);

  const near =
    request.maxDistance === undefined || request.match === "PRODUCT"
      ? ""
      : ` AND coalesce((SELECT rank FROM (${closestPair("v", model.id)}) pair), v.vec <#> s.vec)
              <= ${bind(request.maxDistance - 1)}::float8`;
  const shown = (alias: string): string => `EXISTS (
        SELECT 1 FROM ${product} v
        WHERE v.product_id = ${alias}.id AND s.vec IS NOT NULL
          AND ${anywhere("v").join(" AND ")}${near})`;

  // Each group once: none of it is shown by the search, none by the steps before, none above in this one.
  const sibling = (key: string): string => {
    const ofSearch = [...(guard === undefined ? [] : [guard("sibling")]), shown("sibling")].join(" AND ");
    const above = `(coalesce((SELECT score FROM product_popularity WHERE product_id = sibling.id), ${UNKNOWN}), sibling.id) > ${key}`;
    const ofFallback = [
      ...(within === undefined ? [] : [within("sibling")]),
      beyond === undefined ? above : `(${beyond("sibling")} OR ${above})`,
    ].join(" AND ");
    return `NOT EXISTS (
        SELECT 1 FROM product sibling
        WHERE sibling.source = p.source AND sibling.group_key = p.group_key AND sibling.id <> p.id
          AND ${passes("sibling").join(" AND ")}
          AND (${ofSearch} OR ${ofFallback}))`;
  };
  const blend = seeds.by === "blend" ? seeds : undefined;
  const ownIds = blend && bind(blend.productIds);
  const ownGroups = blend && request.oneOfGroup ? bind(blend.groups) : undefined;
  const scoped = "p.source || E'\\x1f' || p.group_key";
  const eligible = (key: string): string[] => [
    ...passes("p"),
    ...(within === undefined ? [] : [within("p")]),
    ...(beyond === undefined ? [] : [`NOT ${beyond("p")}`]),
    "(s.product_id IS NULL OR p.id <> s.product_id)",
    ...(ownIds === undefined ? [] : [`p.id <> ALL(${ownIds}::bigint[])`]),
    `NOT ${shown("p")}`,
    ...(request.oneOfGroup
      ? [
          `(p.group_key IS NULL OR ((s.group_key IS NULL OR ${scoped} <> s.group_key)
        ${ownGroups === undefined ? "" : `AND ${scoped} <> ALL(${ownGroups}::text[])`} AND ${sibling(key)}))`,
        ]
      : []),
    ...(after === undefined ? [] : [`${key} < ${after}`]),
  ];
  const after =
    request.after &&
    `(${bind(request.after.score ?? Number.NEGATIVE_INFINITY)}::float8, ${bind(request.after.productId)}::bigint)`;
  const limit = `${bind(request.limit)}::int`;

  // In two, because each has an index to read in its order.
  return {
    text: `WITH seed AS MATERIALIZED (${seedText})${
      near === ""
        ? ""
        : `,
      seed_photo AS MATERIALIZED (SELECT photo.* FROM seed s CROSS JOIN LATERAL (${seedPhotos(model.id)}) photo)`
    }
    SELECT id, score FROM (
      (SELECT p.id, popularity.score
       FROM seed s CROSS JOIN product_popularity popularity JOIN product p ON p.id = popularity.product_id
       WHERE ${eligible("(popularity.score, p.id)").join("\n         AND ")}
       ORDER BY popularity.score DESC, popularity.product_id DESC LIMIT ${limit})
      UNION ALL
      (SELECT p.id, NULL::float8
       FROM seed s CROSS JOIN product p
       WHERE NOT EXISTS (SELECT 1 FROM product_popularity known WHERE known.product_id = p.id)
         AND ${eligible(`(${UNKNOWN}, p.id)`).join("\n         AND ")}
       ORDER BY p.id DESC LIMIT ${limit})
    ) found ORDER BY score DESC NULLS LAST, id DESC LIMIT ${limit}`,
    values: parameters.values,
  };
}

/** All that the search looks in, whatever the step: its outermost categories when it goes outwards. */
function searchedCategories({ categories, sameCategory, widenCategory }: FallbackRequest): readonly CategoryPath[] {
  if (!sameCategory) return [];
  return widenCategory ? categories.map((path) => path.slice(0, 1)) : categories;
}
