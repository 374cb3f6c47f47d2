import { parseProductId } from "../catalog/products/product-id.js";
import type { Blend, Seeds } from "../vectors/vectors.type.js";
import type { ProductReference } from "./similar-items.type.js";

/**
 * What a reference may mean: ours when it has our form, otherwise an id of its source, which may have been stored
 * whole or as the last part of a global id (`gid://shopify/Product/42`).
 */
export function seedsOf(reference: ProductReference, published = false): Exclude<Seeds, Blend> {
  const id = parseProductId(reference);
  if (id !== undefined) return { by: "product", ids: [id], published };
  const tail = /^gid:\/\/[^/]+\/Product\/([^/?]+)/.exec(reference)?.[1];
  return { by: "external", ids: tail === undefined ? [reference] : [reference, tail], published };
}
