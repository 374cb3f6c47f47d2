import type { Sql } from "../../database/database.type.js";
import type { ProductImageRow, ProductReads, ProductRow, ProductsCondition } from "./product-reads.type.js";

const PRODUCT_COLUMNS = `id, source, external_id AS "externalId", group_key AS "groupKey", title, description, handle,
  url, brand, COALESCE(category_path, '{}') AS "categoryPath", price_minor AS "priceMinor", currency,
  in_stock AS "inStock", attributes, status, created_at AS "createdAt", updated_at AS "updatedAt"`;

const IMAGE_COLUMNS = `i.id, i.product_id AS "productId", i.url, i.state, i.failure_code AS "failureCode",
  i.failure_message AS "failureMessage", i.retryable, b.width, b.height, b.content_hash AS "contentHash", b.mime`;

/** Reads by plain SQL: a list page's products and photos are two statements, however many products it shows. */
export function createProductReads(sql: Sql): ProductReads {
  return {
    async byIds(ids) {
      const rows = await sql.query<ProductRow>(
        `SELECT ${PRODUCT_COLUMNS} FROM product WHERE id = ANY($1::bigint[]) AND deleted_at IS NULL`,
        [ids.map(String)],
        { name: "products-by-id" },
      );
      return new Map(rows.map((row) => [row.id, row]));
    },

    async imagesOf(productIds) {
      const rows = await sql.query<ProductImageRow>(
        `SELECT ${IMAGE_COLUMNS} FROM product_image i LEFT JOIN image_blob b ON b.id = i.blob_id
         WHERE i.product_id = ANY($1::bigint[]) ORDER BY i.product_id, i.position, i.id`,
        [productIds.map(String)],
        { name: "images-of-products" },
      );
      const found = new Map<bigint, ProductImageRow[]>(productIds.map((id) => [id, []]));
      for (const row of rows) found.get(row.productId)?.push(row);
      return found;
    },

    async imagesByIds(ids) {
      const rows = await sql.query<ProductImageRow>(
        `SELECT ${IMAGE_COLUMNS} FROM product_image i LEFT JOIN image_blob b ON b.id = i.blob_id
         WHERE i.id = ANY($1::bigint[])`,
        [ids.map(String)],
        { name: "images-by-id" },
      );
      return new Map(rows.map((row) => [row.id, row]));
    },

    async page(condition, after, limit) {
      const { where, parameters } = conditions(condition);
      parameters.push(String(after ?? 0n), limit);
      return sql.query<ProductRow>(
        `SELECT ${PRODUCT_COLUMNS} FROM product WHERE ${where}
         AND id > $${parameters.length - 1}::bigint ORDER BY id LIMIT $${parameters.length}::int`,
        parameters,
      );
    },

    async count(condition) {
      const { where, parameters } = conditions(condition);
      const rows = await sql.query<{ count: bigint }>(
        `SELECT count(*) AS count FROM product WHERE ${where}`,
        parameters,
      );
      return Number(rows[0]?.count ?? 0);
    },
  };
}

function conditions(condition: ProductsCondition): { where: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const parts = ["deleted_at IS NULL"];
  const add = (value: unknown, test: (place: string) => string): void => {
    if (value === undefined) return;
    parameters.push(value);
    parts.push(test(`$${parameters.length}`));
  };
  add(condition.source, (place) => `source = ${place}::text`);
  if (condition.category && condition.category.length > 0) {
    const depth = condition.category.length;
    add(condition.category, (place) => `category_path[1:${depth}] = ${place}::text[]`);
  }
  add(condition.brand, (place) => `brand = ${place}::text`);
  add(condition.inStock, (place) => `in_stock = ${place}::boolean`);
  add(condition.status, (place) => `status = ${place}::product_status`);
  // strpos and not ILIKE: a percent sign in the question is a percent sign.
  add(condition.title, (place) => `strpos(lower(title), lower(${place}::text)) > 0`);
  return { where: parts.join(" AND "), parameters };
}
