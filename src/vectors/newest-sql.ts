import type { Database } from "../database/database.type.js";
import { bindFilter, catalogTable, createParameters } from "./filter-sql.js";
import { partitionsOf } from "./partitions.js";
import {
  bindConditions,
  closestPair,
  type SearchedModel,
  type Statement,
  seedPhotos,
  seedQuery,
} from "./search-sql.js";
import type { NewestRequest, Seeds } from "./vectors.type.js";

/**
 * The newest products of the seed's category that its search does not show. "Shown" is decided product by product from
 * the conditions of the search, so that a page needs to know nothing of the pages before it.
 */
export function newestStatement(request: NewestRequest, model: SearchedModel, kind: Database["kind"]): Statement {
  const parameters = createParameters();
  const { bind } = parameters;
  const { seed } = request;
  const seeds = seedsOf(request);
  const seedText = seedQuery(seeds, model, { scan: "exact" }, kind, parameters);
  const searched = bindConditions(request, seeds.by === "picture" ? "picture" : "products", parameters);
  const filter = bindFilter(request.filter, parameters, request.hidden);
  const path = seed.categoryPath.length > 0 ? `${bind(seed.categoryPath)}::text[]` : undefined;
  const { product } = partitionsOf(model.id);

  const eligible = (alias: string): string[] => [
    `${alias}.deleted_at IS NULL`,
    ...filter(catalogTable(alias)),
    // The first is what the GIN index answers, the second what is meant.
    ...(path === undefined
      ? []
      : [`${alias}.category_path @> ${path}`, `${alias}.category_path[1:cardinality(${path})] = ${path}`]),
  ];
  const near =
    request.maxDistance === undefined
      ? ""
      : request.match === "PRODUCT"
        ? ""
        : ` AND coalesce((SELECT rank FROM (${closestPair("v", model.id)}) pair), v.vec <#> s.vec)
              <= ${bind(request.maxDistance - 1)}::float8`;
  const shown = (alias: string): string => `EXISTS (
      SELECT 1 FROM ${product} v
      WHERE v.product_id = ${alias}.id AND s.vec IS NOT NULL
        AND ${searched("v").join(" AND ")}${near})`;
  const groups = request.oneOfGroup
    ? ` AND (p.group_key IS NULL OR (
        (s.group_key IS NULL OR p.source || E'\\x1f' || p.group_key <> s.group_key)
        AND NOT EXISTS (
          SELECT 1 FROM product sibling
          WHERE sibling.source = p.source AND sibling.group_key = p.group_key AND sibling.id <> p.id
            AND ${eligible("sibling").join(" AND ")}
            AND (sibling.id > p.id OR ${shown("sibling")}))))`
    : "";
  return {
    text: `WITH seed AS MATERIALIZED (${seedText})${
      near === ""
        ? ""
        : `,
      seed_photo AS MATERIALIZED (SELECT photo.* FROM seed s CROSS JOIN LATERAL (${seedPhotos(model.id)}) photo)`
    }
      SELECT p.id FROM seed s CROSS JOIN product p
      WHERE ${eligible("p").join(" AND ")}
        AND (s.product_id IS NULL OR p.id <> s.product_id)
        ${request.after === undefined ? "" : `AND p.id < ${bind(request.after)}::bigint`}
        AND NOT ${shown("p")}${groups}
      ORDER BY p.id DESC LIMIT ${bind(request.limit)}::int`,
    values: parameters.values,
  };
}

function seedsOf({ seed, picture }: NewestRequest): Seeds {
  if (seed.productId !== undefined) return { by: "product", ids: [seed.productId] };
  return { by: "picture", vector: picture ?? new Float32Array() };
}
