import type { ProductReference } from "../similar-items.type.js";

export type SimilarRuleAction = "PIN" | "HIDE";
export type SimilarRuleState = "SCHEDULED" | "ACTIVE" | "EXPIRED";

/** A product pinned at a position or hidden, in the answers that it is about. */
export interface SimilarRule {
  readonly id: bigint;
  readonly action: SimilarRuleAction;
  /** The product that is pinned or hidden. */
  readonly productId: bigint;
  /** The product whose answer it is about; or a category, outermost first, and all below it; or neither: every answer. */
  readonly forProductId: bigint | null;
  readonly forCategory: readonly string[] | null;
  /** 1 … 100, of a pin. */
  readonly position: number | null;
  /** It holds from this moment, and until that one, which is no longer part of it. */
  readonly from: Date | null;
  readonly to: Date | null;
  readonly note: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Which answers a rule is about: one product's, a category's, or all when neither is given. */
export interface RuleScope {
  readonly forProductId?: ProductReference;
  readonly forCategory?: readonly string[];
}

export interface RuleDates {
  readonly from?: Date;
  readonly to?: Date;
}

export interface NewRule extends RuleScope, RuleDates {
  readonly productId: ProductReference;
  readonly note?: string;
}

export interface NewPin extends NewRule {
  readonly position: number;
}

/** What is left out stays as it is; null takes it away. */
export interface RuleChange {
  readonly position?: number;
  readonly from?: Date | null;
  readonly to?: Date | null;
  readonly note?: string | null;
}

export interface RulesQuery {
  /** Rules that pin or hide this product. */
  readonly productId?: bigint;
  /** Rules about this product's answer alone. */
  readonly forProductId?: bigint;
  /** Rules about this very category. */
  readonly forCategory?: readonly string[];
  readonly state?: SimilarRuleState;
  /** Rules older than this one. */
  readonly after?: bigint;
  readonly limit: number;
}

/** The rules as merchandisers see and change them. */
export interface SimilarRules {
  /**
   * Shows a product at exactly this position. The same pin again is the one that is there.
   * @throws RuleProductUnknown, BadUserInput, RuleExists
   */
  pin(pin: NewPin): Promise<SimilarRule>;
  /** Keeps a product out. The same again is the one that is there. @throws as `pin` */
  hide(rule: NewRule): Promise<SimilarRule>;
  /** @throws RuleNotFound, BadUserInput, RuleExists */
  change(id: bigint, change: RuleChange): Promise<SimilarRule>;
  /** @throws RuleNotFound */
  remove(id: bigint): Promise<SimilarRule>;
  /** Newest first. */
  list(query: RulesQuery): Promise<SimilarRule[]>;
  stateOf(rule: SimilarRule): SimilarRuleState;
}

export function stateAt({ from, to }: Pick<SimilarRule, "from" | "to">, at: Date): SimilarRuleState {
  if (to !== null && to <= at) return "EXPIRED";
  return from !== null && from > at ? "SCHEDULED" : "ACTIVE";
}
