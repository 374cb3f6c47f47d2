import type { Sql } from "../database/database.type.js";
import type { InteractionRow } from "./interaction.type.js";

/** Writes all rows in one statement. @returns how many of them were new */
export async function insertInteractions(sql: Sql, rows: readonly InteractionRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const values = rows.map(({ kind, productId, attribution, answer, visitor, event, at }) => ({
    kind,
    product: String(productId),
    model: attribution.modelId,
    seed: attribution.seedProductId === undefined ? null : String(attribution.seedProductId),
    experiment: attribution.experiment?.experimentId ?? null,
    variant: attribution.experiment?.variant ?? null,
    answer: answer.toString("hex"),
    visitor: visitor?.toString("hex") ?? null,
    event: event?.toString("hex") ?? null,
    at: at.toISOString(),
  }));
  const [row] = await sql.query<{ inserted: number }>(
    `WITH inserted AS (
       INSERT INTO interaction
         (kind, product_id, model_id, seed_product_id, experiment_id, variant, answer, visitor, event, at)
       SELECT kind::interaction_kind, product, model, seed, experiment, variant, decode(answer, 'hex'),
              decode(visitor, 'hex'), decode(event, 'hex'), at
       FROM jsonb_to_recordset($1::jsonb) AS e
         (kind text, product bigint, model int, seed bigint, experiment int, variant smallint, answer text, visitor text,
          event text, at timestamptz)
       ON CONFLICT (event, product_id, kind) DO NOTHING
       RETURNING 1)
     SELECT count(*)::int AS inserted FROM inserted`,
    [JSON.stringify(values)],
  );
  return row?.inserted ?? 0;
}

/** Those of these products that are there. */
export async function existingProducts(sql: Sql, ids: readonly bigint[]): Promise<Set<bigint>> {
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: bigint }>(
    "SELECT id FROM product WHERE id = ANY($1::bigint[]) AND deleted_at IS NULL",
    [[...new Set(ids)].map(String)],
  );
  return new Set(rows.map(({ id }) => id));
}
