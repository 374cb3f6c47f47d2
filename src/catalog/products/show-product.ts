import { formatAmount } from "./currency-amount.js";
import type { MoneyObject, ProductImageObject, ProductObject } from "./product.object.js";
import { formatImageId, formatProductId } from "./product-id.js";
import type { ProductImageRow, ProductRow } from "./product-reads.type.js";

/** A stored product as callers see it. */
export function showProduct(row: ProductRow): ProductObject {
  // Field by field, and not by rest and spread, which copy twice: a page shows twenty products of 17 fields.
  return {
    key: row.id,
    id: formatProductId(row.id),
    source: row.source,
    externalId: row.externalId,
    groupKey: row.groupKey,
    title: row.title,
    description: row.description,
    handle: row.handle,
    url: row.url,
    brand: row.brand,
    categoryPath: row.categoryPath,
    price: row.priceMinor === null || row.currency === null ? null : showMoney(row.priceMinor, row.currency),
    inStock: row.inStock,
    attributes: Object.entries(row.attributes).map(([name, values]) => ({ name, values })),
    status: row.status,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

/**
 * A stored photo as callers see it. Where a local file lay is nobody's business: its address is that of the server's
 * own copy.
 */
export function showImage(row: ProductImageRow): ProductImageObject {
  return {
    id: formatImageId(row.id),
    url: /^https?:/i.test(row.url) ? row.url : `/photos/${formatImageId(row.id)}`,
    state: row.state,
    failure:
      row.failureCode === null
        ? null
        : { code: row.failureCode, message: row.failureMessage ?? row.failureCode, retryable: row.retryable },
    width: row.width,
    height: row.height,
  };
}

function showMoney(minor: bigint, currency: string): MoneyObject {
  return { amount: formatAmount(minor, currency), minor: String(minor), currency };
}
