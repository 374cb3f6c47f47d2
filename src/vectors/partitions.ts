import type { Sql } from "../database/database.type.js";

/** Beyond this pgvector cannot index a column of the type; searches of such a model stay exact. */
export const MOST_INDEXED_DIMS = 4000;

/** Names of a model version's tables and indexes; a model id is the only thing that enters them. */
export function partitionsOf(modelId: number): { photo: string; product: string; index: string } {
  if (!Number.isSafeInteger(modelId) || modelId < 0) throw new RangeError(`${modelId} is not a model version.`);
  return {
    photo: `vectors.photo_vector_${modelId}`,
    product: `vectors.product_vector_${modelId}`,
    index: `product_vector_${modelId}_hnsw`,
  };
}

/**
 * Tables of one model version. A row never leaves its page for the TOAST table while it fits one page: without
 * `toast_tuple_target` everything beyond 2 kB would, and a scan of 1280 dimensions would fetch each vector apart. The
 * free tenth of a page keeps updates of stock and title HOT, so that they do not touch the HNSW index.
 */
export async function createPartitions(sql: Sql, modelId: number, dims: number): Promise<void> {
  const { photo, product } = partitionsOf(modelId);
  if (!Number.isSafeInteger(dims) || dims < 1) throw new RangeError(`${dims} is not a number of dimensions.`);
  const check = `CHECK (vector_dims(vec) = ${dims})`;
  await sql.query(`CREATE TABLE ${photo} PARTITION OF vectors.photo_vector
    (CONSTRAINT photo_vector_${modelId}_dims ${check})
    FOR VALUES IN (${modelId}) WITH (toast_tuple_target = 8160)`);
  await sql.query(`CREATE TABLE ${product} PARTITION OF vectors.product_vector
    (CONSTRAINT product_vector_${modelId}_dims ${check})
    FOR VALUES IN (${modelId}) WITH (toast_tuple_target = 8160, fillfactor = 90)`);
  // Collation C makes "starts with this path" a range of the array's own order, so that a btree answers it.
  await sql.query(`CREATE INDEX ON ${product} (category_path COLLATE "C")`);
  await sql.query(`CREATE INDEX ON ${product} (brand)`);
  await sql.query(`CREATE INDEX ON ${product} (group_key)`);
  await sql.query(`CREATE INDEX ON ${product} (currency, price_minor)`);
  await sql.query("SELECT vectors.count_changes($1::regclass, $2::int)", [product, modelId]);
}

export async function dropPartitions(sql: Sql, modelId: number): Promise<void> {
  const { photo, product } = partitionsOf(modelId);
  // Products first, as catalog writes touch them.
  await sql.query(`DROP TABLE IF EXISTS ${product}`);
  await sql.query(`DROP TABLE IF EXISTS ${photo}`);
}
