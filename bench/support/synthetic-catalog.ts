import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Database } from "../../src/database/database.type.js";
import type { Vectors } from "../../src/vectors/vectors.type.js";

export const DIMS = 256;
const CLUSTERS = 1000;
/** Spread of a cluster against the spread of the centres: neighbours at cosine distances of 0.3 to 0.5. */
const SPREAD = 0.8;
const BATCH = 1000;

/**
 * Fills an empty database with products of one photo each: clustered vectors, 12 categories that follow the clusters,
 * 20 brands and one rare one (0.5 %) that do not, groups of three in a row, prices, stock.
 */
export async function loadSyntheticCatalog(
  database: Database,
  vectors: Vectors,
  modelId: number,
  products: number,
): Promise<void> {
  const normal = createNormal(42);
  const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: DIMS }, normal));
  for (let from = 0; from < products; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, products - from) }, (_, at) => from + at + 1);
    await database.transaction(async (sql) => {
      // Nothing here is worth waiting for the disk.
      await sql.query("SET LOCAL synchronous_commit = off");
      await sql.query(
        `INSERT INTO product (id, source, external_id, group_key, title, brand, category_path, price_minor, currency,
           in_stock, attributes, digest)
         SELECT id, 'bench', id::text, 'group-' || id / 3, 'Product ' || id,
           CASE WHEN hash % 200 = 0 THEN 'rare' ELSE 'brand-' || hash % 20 END,
           ARRAY['department-' || cluster % 3, 'category-' || cluster % 12], 500 + hash % 100000, 'EUR', hash % 10 > 0,
           jsonb_build_object('color', jsonb_build_array('color-' || hash % 8)), ''
         FROM (SELECT id, abs(hashint8(id)) AS hash, abs(hashint8(id + 1)) % ${CLUSTERS} AS cluster
               FROM unnest($1::bigint[]) id) drawn`,
        [ids],
      );
      const rows = await sql.query<{ id: bigint; cluster: number }>(
        `SELECT id, abs(hashint8(id + 1)) % ${CLUSTERS} AS cluster FROM unnest($1::bigint[]) id`,
        [ids],
      );
      await sql.query(
        `INSERT INTO image_blob (id, content_hash, mime, width, height, bytes)
         SELECT id, md5(id::text), 'image/jpeg', 800, 800, 100000 FROM unnest($1::bigint[]) id`,
        [ids],
      );
      await sql.query(
        `INSERT INTO product_image (id, product_id, url, position, state, blob_id)
         SELECT id, id, 'https://bench.test/' || id || '.jpg', 0, 'READY', id FROM unnest($1::bigint[]) id`,
        [ids],
      );
      await vectors.writePhotos(
        sql,
        modelId,
        rows.map(({ id, cluster }) => ({ blobId: id, vector: near(centres[cluster]!, normal) })),
      );
      await vectors.refresh(sql, ids.map(BigInt));
    });
  }
  await database.query("VACUUM ANALYZE");
}

function near(centre: Float32Array, normal: () => number): Float32Array {
  const vector = centre.map((value) => value + SPREAD * normal());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Standard normal numbers (Box and Muller). */
function createNormal(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  const uniform = (): number => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
