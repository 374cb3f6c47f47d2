import type { Sql } from "../database/database.type.js";

/** After so many days an event counts half. */
export const HALF_LIFE_DAYS = 14;
/** How much an event says of how sought-after a product is. To be shown says nothing. */
const WEIGHTS = { CLICK: 1, CART: 3, PURCHASE: 5 } as const;
/** Scores are what an event counts against one of this day. A double holds them for some forty years more. */
const EPOCH = "2026-01-01T00:00:00Z";

/**
 * Brings `product_popularity` up to date. Scores do not fade: newer events count more instead (forward decay, Cormode
 * and others, ICDE 2009), which is the same order, writes only products that something happened to, and leaves a
 * list's place where it was between two pages (docs/decisions/234).
 * @returns how many products' scores changed
 */
export async function updatePopularity(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ changed: number }>(UPDATE, [EPOCH, HALF_LIFE_DAYS * 86_400]);
  return row?.changed ?? 0;
}

const weight = Object.entries(WEIGHTS)
  .map(([kind, value]) => `WHEN '${kind}' THEN ${value}`)
  .join(" ");

const UPDATE = `
  WITH wanted AS (
    SELECT i.product_id,
           sum((CASE i.kind ${weight} END)
             * power(2::float8, extract(epoch FROM i.at - $1::timestamptz)::float8 / $2::float8)) AS score
    FROM interaction i JOIN product p ON p.id = i.product_id AND p.deleted_at IS NULL
    WHERE i.kind <> 'IMPRESSION' GROUP BY i.product_id
  ), gone AS (
    DELETE FROM product_popularity g WHERE NOT EXISTS (SELECT 1 FROM wanted w WHERE w.product_id = g.product_id)
    RETURNING 1
  ), written AS (
    INSERT INTO product_popularity AS known (product_id, score, updated_at)
    SELECT product_id, score, now() FROM wanted ORDER BY product_id
    ON CONFLICT (product_id) DO UPDATE SET score = excluded.score, updated_at = excluded.updated_at
    -- Sums in another order differ in their last digits.
    WHERE abs(known.score - excluded.score) > 1e-9 * excluded.score
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM gone)::int + (SELECT count(*) FROM written)::int AS changed`;
