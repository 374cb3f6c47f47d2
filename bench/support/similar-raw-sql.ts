/** A search written by hand for one question; `$1` is the seed. */
export interface RawSearch {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /** Made once for the connection, which a hand-written client can afford. */
  readonly settings: readonly string[];
  /** The same by an exact scan. */
  readonly truth: string;
}

/** The best we know: nothing but the columns asked for, settings on the session, one prepared statement. */
export function rawStatements(modelId: number, first: number, scan: "exact" | "hnsw") {
  const table = `vectors.product_vector_${modelId}`;
  const seed = `(SELECT vec, group_key, category_path FROM ${table} WHERE product_id = $1) s`;
  const common = "v.status = 'ACTIVE' AND v.product_id <> $1 AND v.group_key <> s.group_key";
  const settings = scan === "hnsw" ? ["SET hnsw.ef_search = 100", "SET hnsw.iterative_scan = strict_order"] : [];
  /** One of a group, nearest first, from the 64 nearest: as many as `similarItems` looks at. */
  const groups = (nearest: string): string => `
    SELECT product_id, distance FROM (
      SELECT DISTINCT ON (n.group_key) n.product_id, 1 + n.rank AS distance FROM ${seed}
      CROSS JOIN LATERAL (${nearest}) n ORDER BY n.group_key, n.rank
    ) g ORDER BY distance LIMIT ${first}`;
  const exact = (condition: string): string => `
    SELECT v.product_id, v.group_key, v.vec <#> s.vec AS rank FROM ${table} v
    WHERE ${common}${condition} ORDER BY rank LIMIT 64`;
  const hnsw = `
    SELECT v.product_id, v.group_key, (v.vec::halfvec(256)) <#> s.vec::halfvec(256) AS rank FROM ${table} v
    WHERE ${common} ORDER BY (v.vec::halfvec(256)) <#> s.vec::halfvec(256) LIMIT 64`;
  const category = ` AND v.category_path COLLATE "C" >= s.category_path
    AND v.category_path COLLATE "C" < s.category_path[:1] || (s.category_path[2] || chr(1))`;
  const search = (name: string, text: string, truth: string, values: readonly unknown[] = []): RawSearch => ({
    name,
    text,
    values,
    settings,
    truth,
  });
  return {
    everywhere: search("raw_everywhere", groups(scan === "hnsw" ? hnsw : exact("")), groups(exact(""))),
    sameCategory: search("raw_category", groups(exact(category)), groups(exact(category))),
    brand: (brand: string): RawSearch =>
      search("raw_brand", groups(exact(" AND v.brand = $2")), groups(exact(" AND v.brand = $2")), [brand]),
  };
}
