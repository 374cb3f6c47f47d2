import type { Split } from "../catalog/products/catalog-event.type.js";
import type { Database } from "../database/database.type.js";
import { partitionsOf } from "./partitions.js";
import { scopedGroup } from "./product-vectors.repository.js";
import { decodeVector } from "./vector-format.js";
import type { LabelledVector, VectorReaders } from "./vectors.type.js";

const BATCH = 1000;

interface Row {
  readonly product_id: bigint;
  readonly image_id: bigint | null;
  readonly vec: Buffer;
  readonly split: Split | null;
  readonly category_path: string[];
  readonly group_key: string | null;
  readonly attributes: Record<string, string[]>;
}

/** Reads whole models for evaluation, by key and in batches, so that memory does not grow with the catalog. */
export function createVectorReaders(database: Database): VectorReaders {
  return {
    async *read(modelId, what) {
      const { photo, product } = partitionsOf(modelId);
      // bytea, because a vector in text form is five times as long and slow to parse.
      const columns = `vector_send(v.vec::vector) AS vec, p.split, coalesce(p.category_path, '{}') AS category_path,
        ${scopedGroup("p")} AS group_key, p.attributes`;
      const text =
        what === "products"
          ? `SELECT v.product_id, NULL::bigint AS image_id, ${columns}
             FROM ${product} v JOIN product p ON p.id = v.product_id
             WHERE v.product_id > $1 AND $2::bigint IS NOT NULL
               AND p.status = 'ACTIVE' AND p.deleted_at IS NULL
             ORDER BY v.product_id LIMIT ${BATCH}`
          : `SELECT i.product_id, i.id AS image_id, ${columns}
             FROM product_image i
             JOIN product p ON p.id = i.product_id AND p.status = 'ACTIVE' AND p.deleted_at IS NULL
             JOIN ${photo} v ON v.blob_id = i.blob_id
             WHERE i.state = 'READY' AND (i.product_id, i.id) > ($1, $2)
             ORDER BY i.product_id, i.id LIMIT ${BATCH}`;
      let after: [bigint, bigint] = [0n, 0n];
      for (;;) {
        const rows = await database.query<Row>(text, after);
        if (rows.length > 0) yield rows.map(toVector);
        if (rows.length < BATCH) return;
        const last = rows.at(-1)!;
        after = [last.product_id, last.image_id ?? 0n];
      }
    },
  };
}

function toVector(row: Row): LabelledVector {
  return {
    productId: row.product_id,
    ...(row.image_id === null ? {} : { imageId: row.image_id }),
    vector: decodeVector(row.vec),
    split: row.split,
    categoryPath: row.category_path,
    group: row.group_key,
    attributes: row.attributes,
  };
}
