import type { Sql } from "../database/database.type.js";
import { seedsOf } from "./product-reference.js";
import { AmbiguousProduct } from "./similar-items.errors.js";
import type { ProductReference } from "./similar-items.type.js";

/**
 * Finds a product by our id or by its source's own; undefined when there is none.
 * @throws AmbiguousProduct when several sources use the id
 */
export function createFindProduct(sql: Sql): (reference: ProductReference) => Promise<bigint | undefined> {
  return async (reference) => {
    const seeds = seedsOf(reference);
    if (seeds.by === "picture") return undefined;
    const column = seeds.by === "product" ? "id = ANY($1::bigint[])" : "external_id = ANY($1::text[])";
    const rows = await sql.query<{ id: bigint; source: string }>(
      `SELECT id, source FROM product WHERE ${column} AND deleted_at IS NULL ORDER BY id LIMIT 20`,
      [seeds.ids.map(String)],
    );
    if (rows.length > 1) throw new AmbiguousProduct(reference, [...new Set(rows.map(({ source }) => source))].sort());
    return rows[0]?.id;
  };
}
