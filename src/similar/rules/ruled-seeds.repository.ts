import type { Sql } from "../../database/database.type.js";
import { seedsOf } from "../product-reference.js";
import type { ProductReference } from "../similar-items.type.js";
import type { RuledSeed } from "./rule-book.js";

export interface FoundSeed extends RuledSeed {
  /** Unique over sources. */
  readonly group: string | null;
  readonly priceMinor: bigint | null;
  readonly currency: string | null;
}

const COLUMNS = `p.id AS "productId", coalesce(p.category_path, '{}') AS "categoryPath",
  p.source || E'\\x1f' || p.group_key AS "group", p.price_minor AS "priceMinor",
  p.currency`;

export function findSeeds(sql: Sql, productIds: readonly bigint[]): Promise<FoundSeed[]> {
  return sql.query<FoundSeed>(
    `SELECT ${COLUMNS} FROM product p WHERE p.id = ANY($1::bigint[]) AND p.deleted_at IS NULL`,
    [productIds],
    { name: "rules-find-seeds" },
  );
}

/** The product that a reference means; undefined when it means none, or several. */
export async function findSeed(sql: Sql, reference: ProductReference): Promise<FoundSeed | undefined> {
  const seeds = seedsOf(reference);
  if (seeds.by === "picture") return undefined;
  if (seeds.by === "product") return (await findSeeds(sql, seeds.ids))[0];
  const [seed, other] = await sql.query<FoundSeed>(
    `SELECT ${COLUMNS} FROM product p WHERE p.external_id = ANY($1::text[]) AND p.deleted_at IS NULL LIMIT 2`,
    [seeds.ids],
    { name: "rules-find-seed" },
  );
  return other === undefined ? seed : undefined;
}
