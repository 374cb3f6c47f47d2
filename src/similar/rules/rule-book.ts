import type { SimilarRule } from "./similar-rule.type.js";

/** A product whose answer is asked for, as far as rules look at it. */
export interface RuledSeed {
  readonly productId: bigint;
  readonly categoryPath: readonly string[];
}

/** What the rules want of one answer. */
export interface Wishes {
  /** Each product once; those who get their position first come first. */
  readonly pins: readonly SimilarRule[];
  readonly hidden: readonly bigint[];
}

/** Rules in memory, found by what they are about. */
export interface RuleBook {
  readonly isEmpty: boolean;
  /** Equal at two moments between which nothing began or ended to hold. */
  stampAt(at: Date): string;
  /** Without a seed (a picture): what is wanted everywhere. */
  wishesFor(seed: RuledSeed | undefined, at: Date): Wishes;
}

const NOTHING: Wishes = { pins: [], hidden: [] };

/** @param revision tells this book from those of earlier rules */
export function createRuleBook(rules: readonly SimilarRule[], revision: bigint): RuleBook {
  const everywhere: SimilarRule[] = [];
  const byProduct = new Map<bigint, SimilarRule[]>();
  const byCategory = new Map<string, SimilarRule[]>();
  for (const rule of rules) {
    if (rule.forProductId !== null) add(byProduct, rule.forProductId, rule);
    else if (rule.forCategory !== null) add(byCategory, JSON.stringify(rule.forCategory), rule);
    else everywhere.push(rule);
  }
  const turns = rules
    .flatMap(({ from, to }) => [from, to].flatMap((date) => date?.getTime() ?? []))
    .sort((left, right) => left - right);

  function about(seed: RuledSeed | undefined): readonly SimilarRule[] {
    if (seed === undefined) return everywhere;
    const found = [everywhere, byProduct.get(seed.productId) ?? []];
    if (byCategory.size > 0) {
      for (let depth = 1; depth <= seed.categoryPath.length; depth++) {
        found.push(byCategory.get(JSON.stringify(seed.categoryPath.slice(0, depth))) ?? []);
      }
    }
    return found.flat();
  }

  return {
    isEmpty: rules.length === 0,
    stampAt: (at) => `${revision}.${countUntil(turns, at.getTime())}`,
    wishesFor(seed, at) {
      const holding = about(seed).filter(
        ({ from, to, productId }) =>
          (from === null || from <= at) && (to === null || to > at) && productId !== seed?.productId,
      );
      return holding.length === 0 ? NOTHING : settle(holding);
    },
  };
}

/** How narrow the rule is: one product's answer before a category's, and of categories the deeper one. */
function narrowness({ forProductId, forCategory }: SimilarRule): number {
  return forProductId !== null ? Number.POSITIVE_INFINITY : (forCategory?.length ?? 0);
}

/** The narrower rule first, then the newer one. */
export function byPrecedence(left: SimilarRule, right: SimilarRule): number {
  const [narrow, other] = [narrowness(left), narrowness(right)];
  if (narrow !== other) return narrow > other ? -1 : 1;
  return left.id > right.id ? -1 : 1;
}

/** One wish for each product: that of its narrowest rule, and of equally narrow ones to hide it. */
function settle(rules: readonly SimilarRule[]): Wishes {
  const chosen = new Map<bigint, SimilarRule>();
  for (const rule of [...rules].sort(byPrecedence)) {
    const first = chosen.get(rule.productId);
    const hides = first?.action === "PIN" && rule.action === "HIDE" && narrowness(rule) === narrowness(first);
    if (first === undefined || hides) chosen.set(rule.productId, rule);
  }
  const wishes = [...chosen.values()];
  return {
    pins: wishes.filter(({ action }) => action === "PIN").sort(byPrecedence),
    hidden: wishes.flatMap(({ action, productId }) => (action === "HIDE" ? productId : [])),
  };
}

function add<Key>(map: Map<Key, SimilarRule[]>, key: Key, rule: SimilarRule): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [rule]);
  else known.push(rule);
}

/** How many of these ascending numbers are not above `limit`. */
function countUntil(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
