import type pg from "pg";
import type { Database } from "../database/database.type.js";
import type { Logger } from "../logger.js";
import { MOST_INDEXED_DIMS, partitionsOf } from "./partitions.js";

/** Fewer products than this are scanned exactly; see docs/decisions/071-exact-or-hnsw.md. */
export const HNSW_FROM_PRODUCTS = 20_000;
/** First key of the session locks under which an index is built; the second is the model's id. */
const LOCK = 0x68_6e_73_77;
const MEGABYTE = 1024 * 1024;
/** An index that fits `maintenance_work_mem` is built several times faster; beyond this the server's memory matters more. */
const MOST_BUILD_MEMORY = 1024 * MEGABYTE;

/**
 * Builds the HNSW index of a model's products once they are many; see `Vectors.ensureIndex`. The index is built after
 * loading (live insertion runs at some hundred rows a second) and CONCURRENTLY, so that writes go on.
 */
export async function ensureIndex(
  database: Database,
  logger: Logger,
  modelId: number,
  threshold = HNSW_FROM_PRODUCTS,
): Promise<"exact" | "hnsw"> {
  // Inside WASM a build takes minutes and holds up the one session.
  if (database.kind === "embedded") return "exact";
  const { product, index } = partitionsOf(modelId);
  const client = await database.pool.connect();
  let failure: Error | undefined;
  try {
    const state = await stateOf(client, modelId);
    if (state === undefined) return "exact";
    if (state.valid) return "hnsw";
    if (state.products < threshold || state.dims > MOST_INDEXED_DIMS) {
      logger.debug({ modelId, products: state.products, threshold }, "products are searched by an exact scan");
      return "exact";
    }
    const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS locked", [
      LOCK,
      modelId,
    ]);
    if (!rows[0]?.locked) return "exact";
    try {
      const startedAt = Date.now();
      // What a build leaves behind that was killed.
      await client.query(`DROP INDEX CONCURRENTLY IF EXISTS vectors.${index}`);
      await client.query("SELECT set_config('maintenance_work_mem', $1, false)", [
        `${Math.ceil(buildMemory(state) / MEGABYTE)}MB`,
      ]);
      // Inner product, because it orders unit vectors as cosine does, and exactly as the scan computes it: the cosine
      // operator class normalises again in half precision and ranks near-equal products otherwise than they measure.
      await client.query(
        `CREATE INDEX CONCURRENTLY ${index} ON ${product} USING hnsw ((vec::halfvec(${state.dims})) halfvec_ip_ops)`,
      );
      await client.query(`ANALYZE ${product}`);
      logger.info(
        { modelId, products: state.products, seconds: (Date.now() - startedAt) / 1000 },
        "built the HNSW index; products are searched by it",
      );
      return "hnsw";
    } finally {
      await client.query("RESET maintenance_work_mem");
      await client.query("SELECT pg_advisory_unlock($1, $2)", [LOCK, modelId]);
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // A connection that failed may still hold the lock or the setting; it is not given back.
    client.release(failure);
  }
}

interface IndexState {
  readonly dims: number;
  readonly products: number;
  readonly valid: boolean;
}

async function stateOf(client: pg.PoolClient, modelId: number): Promise<IndexState | undefined> {
  const { product, index } = partitionsOf(modelId);
  const { rows } = await client.query<{ dims: number; exists: boolean; valid: boolean }>(
    `SELECT dims, to_regclass($2) IS NOT NULL AS exists,
            EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($3) AND indisvalid) AS valid
     FROM model_version WHERE id = $1`,
    [modelId, product, `vectors.${index}`],
  );
  const [state] = rows;
  if (!state?.exists) return undefined;
  const { rows: counted } = await client.query<{ products: number }>(
    `SELECT count(*)::int AS products FROM ${product}`,
  );
  return { dims: state.dims, valid: state.valid, products: counted[0]!.products };
}

/** Bytes of the graph: a half-precision vector and about 400 bytes of neighbours and overhead a product. */
function buildMemory({ products, dims }: IndexState): number {
  return Math.min(MOST_BUILD_MEMORY, Math.max(64 * MEGABYTE, 1.2 * products * (2 * dims + 400)));
}
