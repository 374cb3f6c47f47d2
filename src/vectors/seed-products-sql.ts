import { createParameters, oneOf } from "./parameters.js";
import { partitionsOf } from "./partitions.js";
import { scopedGroup } from "./product-vectors.repository.js";
import type { Statement } from "./search-sql.js";
import { decodeVector } from "./vector-format.js";
import type { SeedProduct } from "./vectors.type.js";

export interface SeedRow {
  readonly id: bigint;
  readonly external_id: string;
  readonly source: string;
  readonly category_path: string[];
  readonly group_key: string | null;
  readonly price_minor: bigint | null;
  readonly currency: string | null;
  readonly vec: Buffer | null;
}

/** Products by our ids or those of their sources, with their vectors of a model. */
export function seedProductsStatement(
  modelId: number,
  ids: { readonly own: readonly bigint[]; readonly external: readonly string[]; readonly published: boolean },
): Statement {
  const parameters = createParameters();
  const wanted = [
    ...(ids.own.length > 0 ? [oneOf("p.id", ids.own, "bigint", parameters)] : []),
    ...(ids.external.length > 0 ? [oneOf("p.external_id", ids.external, "text", parameters)] : []),
  ];
  return {
    text: `SELECT p.id, p.external_id, p.source, coalesce(p.category_path, '{}') AS category_path,
        ${scopedGroup("p")} AS group_key, p.price_minor, p.currency, vector_send(v.vec::vector) AS vec
      FROM product p LEFT JOIN ${partitionsOf(modelId).product} v ON v.product_id = p.id
      WHERE p.deleted_at IS NULL${ids.published ? " AND p.status = 'ACTIVE'" : ""}
        AND (${wanted.length > 0 ? wanted.join(" OR ") : "false"})
      ORDER BY p.id`,
    values: parameters.values,
  };
}

export function toSeedProduct(row: SeedRow): SeedProduct {
  return {
    productId: row.id,
    externalId: row.external_id,
    source: row.source,
    categoryPath: row.category_path,
    ...(row.group_key === null ? {} : { group: row.group_key }),
    ...(row.price_minor === null || row.currency === null
      ? {}
      : { price: { minor: row.price_minor, currency: row.currency } }),
    ...(row.vec === null ? {} : { vector: decodeVector(row.vec) }),
  };
}

/** Vectors as bytes: in text form they are five times as long and slow to parse. */
export function vectorsStatement(modelId: number, productIds: readonly bigint[]): Statement {
  return {
    text: `SELECT product_id, vector_send(vec::vector) AS vec FROM ${partitionsOf(modelId).product}
      WHERE product_id = ANY($1::bigint[])`,
    values: [productIds],
  };
}
