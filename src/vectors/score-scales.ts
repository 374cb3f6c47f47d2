import type { Database } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import { partitionsOf } from "./partitions.js";
import { createScoreScale, type Knot, MARKED_SHARES, plainScale, toKnots } from "./score-scale.js";
import type { ScoreScale, ScoreScales } from "./vectors.type.js";

/** With fewer products the distances between all of them are few, and each new one changes the scale. */
const FEWEST_PRODUCTS = 30;
/** Products whose distances to each other are measured: half a million, of which 50 are nearer than 1 in 10,000. */
const MEASURED_PRODUCTS = 1000;
/** The embedded database answers nobody meanwhile: a second at 1280 dimensions. */
const MEASURED_PRODUCTS_EMBEDDED = 500;
/** A scale stays as it is while the catalog grows or shrinks by less than this. */
const CHANGE = 0.2;
const FRESH_MS = 60_000;

interface StoredScale {
  /** Products that the model had a vector of. */
  readonly products: number;
  readonly pairs: number;
  readonly knots: readonly Knot[];
}

/** Scales of the models' scores, remembered for a minute and then read again in the background. */
export function createScoreScales(database: Database, logger: Logger): ScoreScales & { forget(modelId: number): void } {
  const known = new Map<number, { scale: ScoreScale; loadedAt: number; loading: boolean }>();

  async function load(modelId: number): Promise<ScoreScale> {
    const stored = await readScale(database, modelId);
    const scale = stored === undefined ? plainScale : createScoreScale(stored.knots);
    known.set(modelId, { scale, loadedAt: Date.now(), loading: false });
    return scale;
  }

  return {
    async of(modelId) {
      const entry = known.get(modelId);
      if (entry === undefined) return load(modelId);
      if (!entry.loading && Date.now() - entry.loadedAt > FRESH_MS) {
        entry.loading = true;
        load(modelId).catch((error: unknown) => {
          known.set(modelId, { ...entry, loadedAt: Date.now(), loading: false });
          logger.warn({ modelId, reason: String(error) }, "the scale of the scores could not be renewed");
        });
      }
      return entry.scale;
    },
    forget(modelId) {
      known.delete(modelId);
    },
  };
}

async function readScale(database: Database, modelId: number): Promise<StoredScale | undefined> {
  const [row] = await database.query<{ score_scale: StoredScale | null }>(
    "SELECT score_scale FROM model_version WHERE id = $1",
    [modelId],
  );
  return row?.score_scale ?? undefined;
}

/** Measures a model's scale and stores it, where that is due; see `Vectors.calibrate`. */
export async function calibrate(database: Database, logger: Logger, modelId: number): Promise<void> {
  const { product } = partitionsOf(modelId);
  const [state] = await database.query<{ exists: boolean }>("SELECT to_regclass($1) IS NOT NULL AS exists", [product]);
  if (!state?.exists) return;
  const [counted] = await database.query<{ products: number }>(`SELECT count(*)::int AS products FROM ${product}`);
  const products = counted?.products ?? 0;
  const stored = await readScale(database, modelId);
  const due = stored === undefined || Math.abs(products - stored.products) >= CHANGE * stored.products;
  if (products < FEWEST_PRODUCTS || !due) return;

  const startedAt = Date.now();
  const most = database.kind === "embedded" ? MEASURED_PRODUCTS_EMBEDDED : MEASURED_PRODUCTS;
  // Sampled by a hash of the id, so that the same catalog has the same scale. A group is shown by one of its products:
  // how near its variants lie to each other is no measure of similar products.
  const [measured] = await database.query<{ distances: number[] | null; pairs: number }>(
    `WITH sample AS MATERIALIZED (
       SELECT v.product_id, v.vec, v.group_key FROM ${product} v
       WHERE v.product_id IN (SELECT product_id FROM ${product} ORDER BY hashint8(product_id), product_id LIMIT ${most})
     )
     SELECT percentile_disc($1::float8[]) WITHIN GROUP (ORDER BY 1 + (a.vec <#> b.vec)) AS distances, count(*)::int AS pairs
     FROM sample a JOIN sample b
       ON a.product_id < b.product_id AND (a.group_key IS NULL OR b.group_key IS NULL OR a.group_key <> b.group_key)`,
    [MARKED_SHARES],
  );
  const knots = toKnots(measured?.distances ?? [], measured?.pairs ?? 0);
  if (measured === undefined || knots.length < 2) return;
  const scale: StoredScale = { products, pairs: measured.pairs, knots };
  await database.query("UPDATE model_version SET score_scale = $2::jsonb WHERE id = $1", [
    modelId,
    JSON.stringify(scale),
  ]);
  logger.info({ modelId, products, pairs: measured.pairs, ms: Date.now() - startedAt }, "measured the scale of scores");
}
