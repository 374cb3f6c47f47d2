import type { SimilarItemsOptions } from "../../src/similar/similar-items.type.js";
import type { NeighbourFilter } from "../../src/vectors/vectors.type.js";
import { type RandomProduct, unit } from "./random-catalog.js";

export interface Expected {
  readonly productId: bigint;
  /** Steps outwards from the seed's category. */
  readonly level: number;
  /** Of the products' vectors, and as shown. */
  readonly own: number;
  readonly shown: number;
}

/** Brute force over everything: which products a search shows, step by step outwards, in the order of their own vectors. */
export function expectedItems(
  catalog: readonly RandomProduct[],
  seed: RandomProduct,
  filter: NeighbourFilter,
  options: SimilarItemsOptions,
): Expected[] {
  const from = productVector(seed);
  if (from === undefined) return [];
  const found: (Expected & { group: string })[] = [];
  for (const product of catalog) {
    const vector = productVector(product);
    if (vector === undefined || product.deleted || product.id === seed.id || !passes(product, filter)) continue;
    const level = levelOf(product, seed, options);
    if (level === undefined) continue;
    if (!nearPrice(product, seed, filter)) continue;
    const group = product.group === undefined ? `single ${product.id}` : `${product.source} ${product.group}`;
    if (options.excludeSameGroup !== false && group === `${seed.source} ${seed.group}`) continue;
    const own = distance(from, vector);
    const pairs = embedded(seed).flatMap((ours) => embedded(product).map((theirs) => distance(ours, theirs)));
    const shown = options.match === "PRODUCT" ? own : Math.min(...pairs);
    const limit = 2 * (1 - (options.minScore ?? 0));
    const several = embedded(seed).length > 1 || embedded(product).length > 1;
    if (own > limit + (options.match !== "PRODUCT" && several ? 0.2 : 0)) continue;
    found.push({ productId: product.id, level, own, shown, group });
  }
  found.sort((left, right) => left.level - right.level || left.own - right.own);
  const groups = new Set<string>();
  return found.filter(({ group, shown }) => {
    const first = options.excludeSameGroup === false || !groups.has(group);
    groups.add(group);
    return first && shown <= 2 * (1 - (options.minScore ?? 0));
  });
}

function levelOf(product: RandomProduct, seed: RandomProduct, options: SimilarItemsOptions): number | undefined {
  if (options.sameCategory === false) return 0;
  const levels = options.widenCategory === false ? 1 : Math.max(1, seed.category.length);
  for (let level = 0; level < levels; level++) {
    if (startsWith(product.category, seed.category.slice(0, seed.category.length - level))) return level;
  }
  return undefined;
}

function nearPrice(product: RandomProduct, seed: RandomProduct, { relativePrice }: NeighbourFilter): boolean {
  if (relativePrice === undefined || seed.priceMinor === undefined) return true;
  if (product.priceMinor === undefined || product.currency !== seed.currency) return false;
  const times = Number(product.priceMinor) / Number(seed.priceMinor);
  return seed.priceMinor === 0n
    ? product.priceMinor === 0n || relativePrice.max === undefined
    : times >= (relativePrice.min ?? 0) && times <= (relativePrice.max ?? Number.POSITIVE_INFINITY);
}

export function productVector(product: RandomProduct): Float32Array | undefined {
  const photos = embedded(product);
  const [first] = photos;
  if (first === undefined) return undefined;
  return unit(Array.from(first, (value, at) => value + photos.reduce((sum, photo) => sum + photo[at]!, 0)));
}

function embedded({ photos }: RandomProduct): Float32Array[] {
  return photos.flatMap(({ vector }) => (vector === undefined ? [] : [vector]));
}

export function distance(left: Float32Array, right: Float32Array): number {
  return 1 - left.reduce((sum, value, at) => sum + value * right[at]!, 0);
}

export function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((part, at) => path[at] === part);
}

export function passes(product: RandomProduct, filter: NeighbourFilter): boolean {
  const { price } = filter;
  return [
    (filter.statuses ?? ["ACTIVE"]).includes(product.status),
    filter.categories === undefined || filter.categories.some((path) => startsWith(product.category, path)),
    filter.brands === undefined || (product.brand !== undefined && filter.brands.includes(product.brand)),
    price === undefined ||
      (product.currency === price.currency &&
        product.priceMinor !== undefined &&
        (price.minMinor === undefined || product.priceMinor >= price.minMinor) &&
        (price.maxMinor === undefined || product.priceMinor <= price.maxMinor)),
    filter.channel === undefined || (product.attributes.channel?.includes(filter.channel) ?? true),
    filter.inStock === undefined || product.inStock === filter.inStock,
    (filter.attributes ?? []).every(({ name, values }) =>
      values.some((value) => product.attributes[name]?.includes(value) ?? false),
    ),
    !(filter.excludeProductIds ?? []).includes(product.id),
    product.group === undefined || !(filter.excludeGroups ?? []).includes(product.group),
  ].every(Boolean);
}
