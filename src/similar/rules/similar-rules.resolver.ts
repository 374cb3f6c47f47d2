import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from "type-graphql";
import { toPageInfo } from "../../catalog/products/page-info.object.js";
import { ProductObject } from "../../catalog/products/product.object.js";
import { showProduct } from "../../catalog/products/show-product.js";
import { toUserError, type UserErrorObject } from "../../catalog/products/user-error.object.js";
import { BadUserInput } from "../../errors.js";
import type { GraphqlContext } from "../../server/graphql-context.type.js";
import type { ProductReference } from "../similar-items.type.js";
import { formatRuleId, parseRuleId } from "./rule-id.js";
import {
  HideSimilarItemInput,
  PinSimilarItemInput,
  SimilarRulesArgs,
  UpdateSimilarRuleInput,
} from "./similar-rule.input.js";
import {
  RemoveSimilarRulePayload,
  SimilarRuleConnectionObject,
  SimilarRuleObject,
  SimilarRulePayload,
  showRule,
} from "./similar-rule.object.js";
import type { NewRule, SimilarRule, SimilarRules } from "./similar-rule.type.js";
import { RuleNotFound, RuleProductUnknown } from "./similar-rules.errors.js";

/** Finds a product by any of its ids. @throws AmbiguousProduct */
type FindProduct = (reference: ProductReference) => Promise<bigint | undefined>;

@Resolver(() => SimilarRuleObject)
export class SimilarRulesResolver {
  constructor(
    private readonly rules: SimilarRules,
    private readonly findProduct: FindProduct,
  ) {}

  @Authorized("ADMIN")
  @Query(() => SimilarRuleConnectionObject, { description: "What the shop pinned and hid, newest first." })
  async similarRules(@Args(() => SimilarRulesArgs) args: SimilarRulesArgs): Promise<SimilarRuleConnectionObject> {
    const { first, after, productId, forProductId, forCategory, state } = args;
    const last = after ? parseRuleId(after) : undefined;
    if (after && last === undefined) throw new BadUserInput("after is not a cursor of this list.", ["after"]);
    const [product, forProduct] = await Promise.all([this.idOf(productId), this.idOf(forProductId)]);
    const rows = await this.rules.list({
      limit: first + 1,
      ...(product === undefined ? {} : { productId: product }),
      ...(forProduct === undefined ? {} : { forProductId: forProduct }),
      ...(forCategory ? { forCategory } : {}),
      ...(state ? { state } : {}),
      ...(last === undefined ? {} : { after: last }),
    });
    const edges = rows.slice(0, first).map((row) => ({ cursor: formatRuleId(row.id), node: this.show(row) }));
    return { edges, nodes: edges.map(({ node }) => node), pageInfo: toPageInfo(edges, rows.length > first) };
  }

  @Authorized("ADMIN")
  @Mutation(() => SimilarRulePayload, {
    description: "Shows a product at a position of similarItems. The same pin again changes nothing.",
  })
  pinSimilarItem(@Arg("input", () => PinSimilarItemInput) input: PinSimilarItemInput): Promise<SimilarRulePayload> {
    return this.answer(["input"], () => this.rules.pin({ ...toRule(input), position: input.position }));
  }

  @Authorized("ADMIN")
  @Mutation(() => SimilarRulePayload, {
    description: "Keeps a product out of similarItems. The same rule again changes nothing.",
  })
  hideSimilarItem(@Arg("input", () => HideSimilarItemInput) input: HideSimilarItemInput): Promise<SimilarRulePayload> {
    return this.answer(["input"], () => this.rules.hide(toRule(input)));
  }

  @Authorized("ADMIN")
  @Mutation(() => SimilarRulePayload, { description: "Changes a rule's position, dates or note." })
  updateSimilarRule(
    @Arg("id", () => ID) id: string,
    @Arg("input", () => UpdateSimilarRuleInput) input: UpdateSimilarRuleInput,
  ): Promise<SimilarRulePayload> {
    const { position, from, to, note } = input;
    const ruleId = parseRuleId(id);
    return this.answer(ruleId === undefined ? ["id"] : ["input"], () => {
      if (ruleId === undefined) throw new RuleNotFound(id);
      if (position === null) throw new BadUserInput("A pin has a position. Remove the rule instead.", ["position"]);
      return this.rules.change(ruleId, {
        ...(position === undefined ? {} : { position }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(note === undefined ? {} : { note }),
      });
    });
  }

  @Authorized("ADMIN")
  @Mutation(() => RemoveSimilarRulePayload)
  async removeSimilarRule(@Arg("id", () => ID) id: string): Promise<RemoveSimilarRulePayload> {
    try {
      const ruleId = parseRuleId(id);
      if (ruleId === undefined) throw new RuleNotFound(id);
      return { removedId: formatRuleId((await this.rules.remove(ruleId)).id), userErrors: [] };
    } catch (error) {
      return { removedId: null, userErrors: [toUserError(error, ["id"])] };
    }
  }

  @FieldResolver(() => ProductObject, {
    nullable: true,
    description: "The product that is pinned or hidden; null once it was deleted.",
  })
  product(@Root() { row }: SimilarRuleObject, @Ctx() context: GraphqlContext) {
    return loadProduct(row.productId, context);
  }

  @FieldResolver(() => ProductObject, { nullable: true, description: "It is about the answer for this product alone." })
  forProduct(@Root() { row }: SimilarRuleObject, @Ctx() context: GraphqlContext) {
    return row.forProductId === null ? null : loadProduct(row.forProductId, context);
  }

  private show(row: SimilarRule): SimilarRuleObject {
    return showRule(row, this.rules.stateOf(row));
  }

  /** Undefined for no reference; an id that nobody has for one that means nothing. */
  private async idOf(reference: ProductReference | null | undefined): Promise<bigint | undefined> {
    return reference ? ((await this.findProduct(reference)) ?? 0n) : undefined;
  }

  private async answer(path: readonly string[], work: () => Promise<SimilarRule>): Promise<SimilarRulePayload> {
    try {
      return { rule: this.show(await work()), userErrors: [] };
    } catch (error) {
      return { rule: null, userErrors: [describe(error, path)] };
    }
  }
}

function describe(error: unknown, path: readonly string[]): UserErrorObject {
  if (error instanceof RuleProductUnknown) return toUserError(error, [...path, error.field]);
  return toUserError(error, error instanceof RuleNotFound ? ["id"] : path);
}

async function loadProduct(id: bigint, { loaders }: GraphqlContext): Promise<ProductObject | null> {
  const row = await loaders.product.load(id);
  return row ? showProduct(row) : null;
}

function toRule({ productId, forProductId, forCategory, from, to, note }: HideSimilarItemInput): NewRule {
  return {
    productId,
    ...(forProductId ? { forProductId } : {}),
    ...(forCategory ? { forCategory } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    ...(note ? { note } : {}),
  };
}
