import { LookalikeError } from "../../errors.js";
import { formatRuleId } from "./rule-id.js";
import type { SimilarRule } from "./similar-rule.type.js";

/** There is no such rule, or it was removed. */
export class RuleNotFound extends LookalikeError {
  readonly code = "RULE_NOT_FOUND";

  constructor(id: bigint | string) {
    super(
      `There is no rule ${typeof id === "bigint" ? formatRuleId(id) : JSON.stringify(id.slice(0, 80))}. List them with \`lookalike rules list\`.`,
    );
  }
}

/** The product has a rule of the same kind for the same answers at that time. */
export class RuleExists extends LookalikeError {
  readonly code = "RULE_EXISTS";

  constructor({ id, action, position, from, to }: SimilarRule) {
    const what = action === "PIN" ? `pinned at position ${position}` : "hidden";
    const when = [
      ...(from === null ? [] : [`from ${from.toISOString()}`]),
      ...(to === null ? [] : [`to ${to.toISOString()}`]),
    ].join(" ");
    super(
      `The product is ${what} there${when === "" ? "" : ` ${when}`} already, by ${formatRuleId(id)}. Change that rule, remove it, or choose dates that do not overlap.`,
    );
  }
}

/** The product that is to be ruled, or the one whose answer it is about, is not there or not the only one. */
export class RuleProductUnknown extends LookalikeError {
  readonly code: string;

  constructor(
    readonly field: "productId" | "forProductId",
    cause: LookalikeError,
  ) {
    super(cause.message, { cause });
    this.code = cause.code;
  }
}
