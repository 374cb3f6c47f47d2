import type { Sql } from "../database/database.type.js";
import { bindFilter, catalogTable } from "./filter-sql.js";
import { createParameters } from "./parameters.js";
import { scopedGroup } from "./product-vectors.repository.js";
import type { NeighbourFilter } from "./vectors.type.js";

/** A product that passes a filter. */
export interface PassingProduct {
  readonly id: bigint;
  /** As `Seed.group` names it. */
  readonly group: string | null;
  readonly priceMinor: bigint | null;
  readonly currency: string | null;
}

/** Which of these products are in the catalog and pass the filter, embedded or not; `relativePrice` is not looked at. */
export async function findPassingProducts(
  sql: Sql,
  ids: readonly bigint[],
  filter: NeighbourFilter,
): Promise<PassingProduct[]> {
  if (ids.length === 0) return [];
  const parameters = createParameters();
  const wanted = parameters.bind(ids);
  const conditions = bindFilter(filter, parameters)(catalogTable("p"));
  return sql.query<PassingProduct>(
    `SELECT p.id, ${scopedGroup("p")} AS "group", p.price_minor AS "priceMinor", p.currency
     FROM product p
     WHERE p.id = ANY(${wanted}::bigint[]) AND ${["p.deleted_at IS NULL", ...conditions].join(" AND ")}`,
    parameters.values,
  );
}
