import type { Sql } from "../../database/database.type.js";
import type { ProductInput } from "./catalog-event.type.js";

export interface ProductKey {
  readonly source: string;
  readonly externalId: string;
}

export interface StoredProductState extends ProductKey {
  readonly id: bigint;
  readonly digest: string;
  readonly sourceUpdatedAt: number | null;
  readonly deleted: boolean;
}

export interface ProductWrite {
  readonly product: ProductInput;
  readonly digest: string;
}

/** Another writer created a product between our look and our insert; the whole transaction must be run again. */
export class ProductCreatedMeanwhile extends Error {}

/**
 * The state of these products, in the order of the keys.
 * @param lock keeps other writers off until the transaction ends; pass sorted keys, or two writers may deadlock
 */
export async function readProductStates(
  sql: Sql,
  keys: readonly ProductKey[],
  lock: boolean,
): Promise<StoredProductState[]> {
  // NO KEY UPDATE, because rows that reference the product (its photos) must not wait for us.
  return sql.query<StoredProductState>(
    `SELECT p.id, p.source, p.external_id AS "externalId", p.digest, p.deleted_at IS NOT NULL AS deleted,
            (extract(epoch FROM p.source_updated_at) * 1000)::float8 AS "sourceUpdatedAt"
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS key (source, external_id, place)
     JOIN product p ON p.source = key.source AND p.external_id = key.external_id
     ORDER BY key.place ${lock ? "FOR NO KEY UPDATE OF p" : ""}`,
    [keys.map(({ source }) => source), keys.map(({ externalId }) => externalId)],
    { name: lock ? "catalog-lock-products" : "catalog-read-products" },
  );
}

const COLUMNS = `source text, external_id text, group_key text, title text, description text, handle text, url text,
  brand text, category_path text[], price_minor bigint, currency text, in_stock boolean, attributes jsonb,
  status product_status, split split, digest text, source_updated_at timestamptz`;

const FIELDS = [
  "group_key",
  "title",
  "description",
  "handle",
  "url",
  "brand",
  "category_path",
  "price_minor",
  "currency",
  "in_stock",
  "attributes",
  "status",
  "split",
  "digest",
];

function toRow({ product, digest }: ProductWrite): Record<string, unknown> {
  return {
    source: product.source,
    external_id: product.externalId,
    group_key: product.groupKey,
    title: product.title,
    description: product.description,
    handle: product.handle,
    url: product.url,
    brand: product.brand,
    category_path: product.categoryPath,
    price_minor: product.price?.minor.toString(),
    currency: product.price?.currency,
    in_stock: product.inStock,
    attributes: product.attributes,
    status: product.status,
    split: product.split,
    digest,
    source_updated_at: product.sourceUpdatedAt?.toISOString(),
  };
}

/**
 * Inserts products in the given order.
 * @returns their ids, in the same order
 * @throws ProductCreatedMeanwhile
 */
export async function insertProducts(sql: Sql, writes: readonly ProductWrite[]): Promise<bigint[]> {
  if (writes.length === 0) return [];
  const rows = await sql.query<{ id: bigint; source: string; externalId: string }>(
    `INSERT INTO product (source, external_id, ${FIELDS.join(", ")}, source_updated_at)
     SELECT source, external_id, ${FIELDS.join(", ")}, source_updated_at
     FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (${COLUMNS})) WITH ORDINALITY AS input
     ORDER BY input.ordinality
     ON CONFLICT (source, external_id) DO NOTHING
     RETURNING id, source, external_id AS "externalId"`,
    [JSON.stringify(writes.map(toRow))],
    { name: "catalog-insert-products" },
  );
  if (rows.length < writes.length) throw new ProductCreatedMeanwhile();
  const ids = new Map(rows.map((row) => [JSON.stringify([row.source, row.externalId]), row.id]));
  return writes.map(({ product }) => {
    const id = ids.get(JSON.stringify([product.source, product.externalId]));
    if (id === undefined) throw new ProductCreatedMeanwhile();
    return id;
  });
}

/** Overwrites products, and revives deleted ones. Without a time of the source the stored one is kept. */
export async function updateProducts(
  sql: Sql,
  writes: readonly (ProductWrite & { readonly id: bigint })[],
): Promise<void> {
  if (writes.length === 0) return;
  await sql.query(
    `UPDATE product SET ${FIELDS.map((field) => `${field} = input.${field}`).join(", ")},
            source_updated_at = coalesce(input.source_updated_at, product.source_updated_at),
            deleted_at = NULL, updated_at = now()
     FROM jsonb_to_recordset($1::jsonb) AS input (id bigint, ${COLUMNS})
     WHERE product.id = input.id`,
    [JSON.stringify(writes.map((write) => ({ id: write.id.toString(), ...toRow(write) })))],
    { name: "catalog-update-products" },
  );
}

/** Moves only the time at which the source last changed products. */
export async function touchProducts(
  sql: Sql,
  touches: readonly { readonly id: bigint; readonly at: Date }[],
): Promise<void> {
  if (touches.length === 0) return;
  await sql.query(
    `UPDATE product SET source_updated_at = input.at
     FROM unnest($1::bigint[], $2::timestamptz[]) AS input (id, at) WHERE product.id = input.id`,
    [touches.map(({ id }) => id.toString()), touches.map(({ at }) => at.toISOString())],
  );
}

/** Leaves tombstones. A delete without a time of the source took place now. */
export async function tombstoneProducts(
  sql: Sql,
  deletes: readonly { readonly id: bigint; readonly at: Date | undefined }[],
): Promise<void> {
  if (deletes.length === 0) return;
  await sql.query(
    `UPDATE product SET deleted_at = now(), updated_at = now(),
            source_updated_at = coalesce(input.at, greatest(product.source_updated_at, now()))
     FROM unnest($1::bigint[], $2::timestamptz[]) AS input (id, at) WHERE product.id = input.id`,
    [deletes.map(({ id }) => id.toString()), deletes.map(({ at }) => at?.toISOString() ?? null)],
  );
}

/** Tombstones of products that were deleted before they were ever seen. @throws ProductCreatedMeanwhile */
export async function buryProducts(sql: Sql, burials: readonly (ProductKey & { readonly at: Date })[]): Promise<void> {
  if (burials.length === 0) return;
  const rows = await sql.query(
    `INSERT INTO product (source, external_id, title, category_path, status, digest, source_updated_at, deleted_at)
     SELECT source, external_id, '', '{}', 'ARCHIVED', '', at, now()
     FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS input (source, external_id, at, place)
     ORDER BY place
     ON CONFLICT (source, external_id) DO NOTHING RETURNING id`,
    [
      burials.map(({ source }) => source),
      burials.map(({ externalId }) => externalId),
      burials.map(({ at }) => at.toISOString()),
    ],
  );
  if (rows.length < burials.length) throw new ProductCreatedMeanwhile();
}
