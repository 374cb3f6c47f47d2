import type { Sql } from "../database/database.type.js";
import type { InteractionCounts } from "./interaction.type.js";
import { wilson } from "./wilson.js";

interface CountRow {
  readonly variant: number | null;
  readonly impressions: number;
  readonly clicks: number;
  readonly carts: number;
  readonly purchases: number;
  readonly items: number;
  readonly item_clicks: number;
  readonly item_carts: number;
  readonly item_purchases: number;
  readonly visitors: number;
  readonly visitor_clicks: number;
  readonly visitor_carts: number;
  readonly visitor_purchases: number;
}

/** What came of an experiment's variants, by their position; variants without an event are absent. */
export async function countByVariant(sql: Sql, experimentId: number): Promise<Map<number, InteractionCounts>> {
  const rows = await sql.query<CountRow>(countsOf("experiment_id = $1::int", "variant"), [experimentId]);
  return new Map(rows.map((row) => [row.variant ?? 0, toCounts(row)]));
}

/** What came of a model's answers, in experiments and outside. */
export async function countOfModel(
  sql: Sql,
  modelId: number,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<InteractionCounts> {
  const [row] = await sql.query<CountRow>(
    countsOf("model_id = $1::int AND at >= $2::timestamptz AND at < $3::timestamptz", "NULL::smallint"),
    [modelId, from.toISOString(), to.toISOString()],
  );
  return toCounts(row ?? NOTHING);
}

/**
 * An item is one product of one answer to one visitor: seen twice, or clicked twice, it is one. Only what was shown can
 * succeed, so that senders who report clicks alone do not seem to have nothing but clicks.
 */
const countsOf = (condition: string, variant: string): string => `
  WITH item AS (
    SELECT ${variant} AS variant, visitor, ${each(({ one }) => `count(*) FILTER (WHERE kind = '${one}') AS ${one}`)}
    FROM interaction WHERE ${condition}
    GROUP BY 1, visitor, answer, product_id
  ), by_item AS (
    SELECT variant, ${each(({ one, all }) => `sum(${one})::float8 AS ${all}`)},
           count(*) FILTER (WHERE IMPRESSION > 0)::float8 AS items,
           ${outcomes(({ one, all }) => `count(*) FILTER (WHERE IMPRESSION > 0 AND ${one} > 0)::float8 AS item_${all}`)}
    FROM item GROUP BY variant
  ), visitor AS (
    SELECT variant, ${outcomes(({ one }) => `sum(${one}) AS ${one}`)} FROM item WHERE visitor IS NOT NULL
    GROUP BY variant, visitor HAVING sum(IMPRESSION) > 0
  ), by_visitor AS (
    SELECT variant, count(*)::float8 AS visitors,
           ${outcomes(({ one, all }) => `count(*) FILTER (WHERE ${one} > 0)::float8 AS visitor_${all}`)}
    FROM visitor GROUP BY variant
  )
  SELECT i.*, coalesce(visitors, 0) AS visitors,
         ${outcomes(({ all }) => `coalesce(visitor_${all}, 0) AS visitor_${all}`)}
  FROM by_item i LEFT JOIN by_visitor v ON v.variant IS NOT DISTINCT FROM i.variant`;

const COLUMNS = [
  { one: "IMPRESSION", all: "impressions" },
  { one: "CLICK", all: "clicks" },
  { one: "CART", all: "carts" },
  { one: "PURCHASE", all: "purchases" },
] as const;
type Column = (typeof COLUMNS)[number];

function each(write: (column: Column) => string): string {
  return COLUMNS.map(write).join(", ");
}

function outcomes(write: (column: Column) => string): string {
  return COLUMNS.slice(1).map(write).join(", ");
}

const NOTHING: CountRow = {
  ...{ variant: null, impressions: 0, clicks: 0, carts: 0, purchases: 0 },
  ...{ items: 0, item_clicks: 0, item_carts: 0, item_purchases: 0 },
  ...{ visitors: 0, visitor_clicks: 0, visitor_carts: 0, visitor_purchases: 0 },
};

/** The counts of what nobody has seen. */
export function noCounts(): InteractionCounts {
  return toCounts(NOTHING);
}

function toCounts(row: CountRow): InteractionCounts {
  const { impressions, clicks, carts, purchases, items, visitors } = row;
  return {
    ...{ impressions, clicks, carts, purchases, visitors },
    perItem: {
      clicks: wilson(row.item_clicks, items),
      carts: wilson(row.item_carts, items),
      purchases: wilson(row.item_purchases, items),
    },
    perVisitor: {
      clicks: wilson(row.visitor_clicks, visitors),
      carts: wilson(row.visitor_carts, visitors),
      purchases: wilson(row.visitor_purchases, visitors),
    },
  };
}
