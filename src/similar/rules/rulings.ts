import type { Sql } from "../../database/database.type.js";
import { findPassingProducts, type PassingProduct } from "../../vectors/index.js";
import type { Hidden, NeighbourFilter } from "../../vectors/vectors.type.js";
import type { SimilarItemsRequest } from "../similar-items.type.js";
import { type PlacedPin, placePins } from "./place-pins.js";
import type { RuleBook } from "./rule-book.js";
import type { FoundSeed } from "./ruled-seeds.repository.js";
import type { SimilarRule } from "./similar-rule.type.js";

/** What the rules make of one seed's answer: its pins where they stand, and what the search must not show. */
export interface Ruling {
  readonly pins: readonly PlacedPin[];
  readonly hidden: Hidden;
}

export const NO_RULING: Ruling = { pins: [], hidden: {} };

/** The rulings on these seeds at a moment, with one look into the catalog when there are pins. */
export async function ruleOn(
  sql: Sql,
  seeds: readonly FoundSeed[],
  book: RuleBook,
  { filter = {}, options }: SimilarItemsRequest,
  at: Date,
): Promise<Map<bigint, Ruling>> {
  const wishes = seeds.map((seed) => ({ seed, ...book.wishesFor(seed, at) }));
  const pinned = [...new Set(wishes.flatMap(({ pins }) => pins.map(({ productId }) => productId)))];
  const rows = await findPassingProducts(sql, pinned, { ...filter, statuses: ["ACTIVE"] });
  const passing = new Map(rows.map((row) => [row.id, row]));
  const oneOfGroup = options?.excludeSameGroup ?? true;
  const rule = (seed: FoundSeed, pins: readonly SimilarRule[], hidden: readonly bigint[]): Ruling => {
    const shown = pins.filter((pin) => {
      const product = passing.get(pin.productId);
      return (
        product !== undefined &&
        isNearPrice(product, seed, filter.relativePrice) &&
        !(oneOfGroup && pin.forProductId === null && isVariant(product, seed))
      );
    });
    const productIds = [...hidden, ...shown.map(({ productId }) => productId)];
    const groups = oneOfGroup ? shown.flatMap(({ productId }) => passing.get(productId)?.group ?? []) : [];
    return { pins: placePins(shown), hidden: { productIds, groups } };
  };
  return new Map(wishes.map(({ seed, pins, hidden }) => [seed.productId, rule(seed, pins, hidden)]));
}

/** A pin made for many answers is no reason to show a product its own variant. */
function isVariant(product: PassingProduct, seed: FoundSeed): boolean {
  return product.group !== null && product.group === seed.group;
}

/** As `NeighbourFilter.relativePrice` says. */
function isNearPrice(product: PassingProduct, seed: FoundSeed, range: NeighbourFilter["relativePrice"]): boolean {
  if (range === undefined || seed.priceMinor === null || seed.currency === null) return true;
  if (product.priceMinor === null || product.currency !== seed.currency) return false;
  const own = Number(seed.priceMinor);
  // 1000 × 1.1 is above 1100 in binary fractions.
  const times = (factor: number): number => Number((own * factor).toPrecision(15));
  const price = Number(product.priceMinor);
  return price >= times(range.min ?? 0) && (range.max === undefined || price <= times(range.max));
}
