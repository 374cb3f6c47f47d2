import { formatProductId } from "../catalog/products/product-id.js";
import type { Core } from "../compose.js";
import { BadUserInput } from "../errors.js";
import { ProductNotFound } from "../similar/index.js";
import { type NewRule, RuleNotFound, type SimilarRule, type SimilarRuleState } from "../similar/rules/index.js";
import { formatRuleId, parseRuleId } from "../similar/rules/rule-id.js";
import { formatTable, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

interface ScopeOptions extends CommonOptions {
  readonly forProduct?: string;
  readonly forCategory?: readonly string[];
}

export interface NewRuleOptions extends ScopeOptions {
  readonly from?: Date;
  readonly to?: Date;
  readonly note?: string;
}

export interface ListRulesOptions extends ScopeOptions {
  readonly product?: string;
  readonly state?: "scheduled" | "active" | "expired";
  readonly first: number;
}

export async function listRules(options: ListRulesOptions): Promise<void> {
  await withCore(options, async (core) => {
    const [productId, forProductId] = await Promise.all([
      findId(core, options.product),
      findId(core, options.forProduct),
    ]);
    const rules = await core.rules.list({
      limit: options.first,
      ...(productId === undefined ? {} : { productId }),
      ...(forProductId === undefined ? {} : { forProductId }),
      ...(options.forCategory === undefined ? {} : { forCategory: options.forCategory }),
      ...(options.state === undefined ? {} : { state: options.state.toUpperCase() as SimilarRuleState }),
    });
    const rows = rules.map((rule) => toJson(core, rule));
    writeAnswer(rows, options.json, () =>
      rows.length === 0
        ? ["No rule: `lookalike rules pin` and `lookalike rules hide` make some."]
        : formatTable(
            ["id", "action", "product", "position", "for", "state", "from", "to", "note"],
            rows.map((rule) => [
              ...[rule.id, rule.action, rule.productId, rule.position ?? "", describeScope(rule), rule.state],
              ...[rule.from?.toISOString() ?? "", rule.to?.toISOString() ?? "", (rule.note ?? "").slice(0, 40)],
            ]),
          ),
    );
  });
}

export async function pinProduct(
  productId: string,
  options: NewRuleOptions & { readonly position: number },
): Promise<void> {
  await tell(options, "made", (core) => core.rules.pin({ ...toRule(productId, options), position: options.position }));
}

export async function hideProduct(productId: string, options: NewRuleOptions): Promise<void> {
  await tell(options, "made", (core) => core.rules.hide(toRule(productId, options)));
}

export async function removeRule(id: string, options: CommonOptions): Promise<void> {
  await tell(options, "removed", (core) => {
    const ruleId = parseRuleId(id);
    if (ruleId === undefined) throw new RuleNotFound(id);
    return core.rules.remove(ruleId);
  });
}

async function tell(
  options: CommonOptions,
  what: "made" | "removed",
  work: (core: Core) => Promise<SimilarRule>,
): Promise<void> {
  await withCore(options, async (core) => {
    const rule = toJson(core, await work(core));
    const does = rule.action === "PIN" ? `pins ${rule.productId} at ${rule.position}` : `hides ${rule.productId}`;
    writeAnswer(rule, options.json, () => [
      what === "removed"
        ? `${rule.id} is removed.`
        : `${rule.id} ${does}, ${describeScope(rule)} (${rule.state.toLowerCase()}).`,
    ]);
  });
}

function toRule(productId: string, { forProduct, forCategory, from, to, note }: NewRuleOptions): NewRule {
  return {
    productId,
    ...(forProduct === undefined ? {} : { forProductId: forProduct }),
    ...(forCategory === undefined ? {} : { forCategory }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(note === undefined ? {} : { note }),
  };
}

function toJson({ rules }: Core, rule: SimilarRule) {
  return {
    ...rule,
    id: formatRuleId(rule.id),
    productId: formatProductId(rule.productId),
    forProductId: rule.forProductId === null ? null : formatProductId(rule.forProductId),
    state: rules.stateOf(rule),
  };
}

function describeScope({ forProductId, forCategory }: ReturnType<typeof toJson>): string {
  return forProductId ?? forCategory?.join(" > ") ?? "everywhere";
}

async function findId({ findProduct }: Core, reference: string | undefined): Promise<bigint | undefined> {
  if (reference === undefined) return undefined;
  if (reference === "") throw new BadUserInput("Name the product by one of its ids.", ["product"]);
  const id = await findProduct(reference);
  if (id === undefined) throw new ProductNotFound(reference);
  return id;
}
