import { formatAmount } from "./currency-amount.js";
import type { MoneyObject, ProductImageObject, ProductObject } from "./product.object.js";
import { formatImageId, formatProductId } from "./product-id.js";
import type { ProductImageRow, ProductRow } from "./product-reads.type.js";

/** A stored product as callers see it. */
export function showProduct(row: ProductRow): ProductObject {
  const { id, priceMinor, currency, attributes, ...rest } = row;
  return {
    ...rest,
    key: id,
    id: formatProductId(id),
    price: priceMinor === null || currency === null ? null : showMoney(priceMinor, currency),
    attributes: Object.entries(attributes).map(([name, values]) => ({ name, values })),
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
