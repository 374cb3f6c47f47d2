import { parseProductId } from "../catalog/products/product-id.js";
import type { Blend, NeighbourSearch, SeedProduct } from "../vectors/vectors.type.js";
import { seedsOf } from "./product-reference.js";
import { AmbiguousProduct, ProductNotFound } from "./similar-items.errors.js";
import type { ProductReference, SeveralProducts } from "./similar-items.type.js";

/**
 * Weight of what it should not be like, against 1 for what it should: Rocchio's γ / β. The usual 0.15 / 0.75 hardly moves
 * a unit vector among photos, whose cosines are all positive.
 */
const AWAY = 0.4;

/**
 * The point from which a search for several products looks, after Rocchio: the mean of the products, less a share of the
 * mean of those it should not be like.
 * @returns the point, and the products found that the answer should be like
 * @throws ProductNotFound when none is there, AmbiguousProduct
 */
export async function blend(
  search: Pick<NeighbourSearch, "seedProducts">,
  modelId: number,
  { like, notLike = [] }: SeveralProducts,
  published: boolean,
): Promise<{ readonly seeds: Blend; readonly asked: readonly bigint[] }> {
  const wanted = [...like, ...notLike].map((reference) => seedsOf(reference));
  const own = wanted.flatMap((seeds) => (seeds.by === "product" ? seeds.ids : []));
  const external = wanted.flatMap((seeds) => (seeds.by === "external" ? seeds.ids : []));
  const products = await search.seedProducts(modelId, { own, external, published });
  const liked = like.flatMap((reference) => find(reference, products));
  const disliked = notLike.flatMap((reference) => find(reference, products));
  if (liked.length === 0) throw new ProductNotFound(like.join(", "));

  const all = [...liked, ...disliked];
  const vector = aim(meanOf(liked), meanOf(disliked));
  const price = priceSpan(liked);
  return {
    asked: [...new Set(liked.map(({ productId }) => productId))],
    seeds: {
      by: "blend",
      ...(vector === undefined ? {} : { vector }),
      productIds: [...new Set(all.map(({ productId }) => productId))],
      groups: [...new Set(all.flatMap(({ group }) => group ?? []))],
      categories: liked.flatMap(({ categoryPath }) => (categoryPath.length > 0 ? [categoryPath] : [])),
      ...(price === undefined ? {} : { price }),
    },
  };
}

function aim(towards: Float64Array | undefined, away: Float64Array | undefined): Float32Array | undefined {
  if (towards === undefined) return undefined;
  const aimed = away && unit(towards.map((value, at) => value - AWAY * away[at]!));
  return aimed ?? unit(towards);
}

function find(reference: ProductReference, products: readonly SeedProduct[]): SeedProduct[] {
  const id = parseProductId(reference);
  const seeds = seedsOf(reference);
  const ids = new Set(seeds.by === "external" ? seeds.ids : []);
  const found = products.filter(({ productId, externalId }) =>
    id === undefined ? ids.has(externalId) : productId === id,
  );
  if (found.length > 1) throw new AmbiguousProduct(reference, [...new Set(found.map(({ source }) => source))].sort());
  return found;
}

function meanOf(products: readonly SeedProduct[]): Float64Array | undefined {
  const vectors = products.flatMap(({ vector }) => (vector === undefined ? [] : [vector]));
  const [first] = vectors;
  if (first === undefined) return undefined;
  const sum = new Float64Array(first.length);
  for (const vector of vectors) for (let at = 0; at < sum.length; at++) sum[at]! += vector[at]! / vectors.length;
  return sum;
}

/** Undefined where products cancel each other out. */
function unit(vector: Float64Array): Float32Array | undefined {
  const length = Math.hypot(...vector);
  return length > 1e-6 ? Float32Array.from(vector, (value) => value / length) : undefined;
}

function priceSpan(products: readonly SeedProduct[]): Blend["price"] {
  const prices = products.flatMap(({ price }) => price ?? []);
  const [first] = prices;
  if (first === undefined || prices.some(({ currency }) => currency !== first.currency)) return undefined;
  const amounts = prices.map(({ minor }) => minor).sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  return { leastMinor: amounts[0]!, mostMinor: amounts.at(-1)!, currency: first.currency };
}
