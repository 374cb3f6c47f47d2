import { Field, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { PageInfoObject } from "../../catalog/products/page-info.object.js";
import { UserErrorObject } from "../../catalog/products/user-error.object.js";
import { formatRuleId } from "./rule-id.js";
import type { SimilarRule, SimilarRuleAction, SimilarRuleState } from "./similar-rule.type.js";

export const RuleActions = { PIN: "PIN", HIDE: "HIDE" } as const;
registerEnumType(RuleActions, {
  name: "SimilarRuleAction",
  valuesConfig: {
    PIN: { description: "Show the product at a position." },
    HIDE: { description: "Keep the product out." },
  },
});

export const RuleStates = { SCHEDULED: "SCHEDULED", ACTIVE: "ACTIVE", EXPIRED: "EXPIRED" } as const;
registerEnumType(RuleStates, {
  name: "SimilarRuleState",
  description: "Where a rule stands between its dates.",
  valuesConfig: {
    SCHEDULED: { description: "It begins to hold later." },
    ACTIVE: { description: "It holds." },
    EXPIRED: { description: "It held until its end." },
  },
});

@ObjectType("SimilarRule", {
  description: "A product pinned at a position or hidden, in the answers that it is about.",
})
export class SimilarRuleObject {
  /** For the fields that are looked up when asked for. */
  row!: SimilarRule;

  @Field(() => ID)
  id!: string;

  @Field(() => RuleActions)
  action!: SimilarRuleAction;

  @Field(() => RuleStates)
  state!: SimilarRuleState;

  @Field(() => [String], {
    nullable: true,
    description: "It is about the answers for products in this category or below.",
  })
  forCategory!: string[] | null;

  @Field(() => Int, { nullable: true, description: "1 … 100, of a pin." })
  position!: number | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "It holds from this moment." })
  from!: Date | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "It holds until this moment, which is no part of it.",
  })
  to!: Date | null;

  @Field(() => String, { nullable: true })
  note!: string | null;

  @Field(() => GraphQLISODateTime)
  createdAt!: Date;

  @Field(() => GraphQLISODateTime)
  updatedAt!: Date;
}

@ObjectType("SimilarRuleEdge")
export class SimilarRuleEdgeObject {
  @Field(() => String)
  cursor!: string;

  @Field(() => SimilarRuleObject)
  node!: SimilarRuleObject;
}

@ObjectType("SimilarRuleConnection")
export class SimilarRuleConnectionObject {
  @Field(() => [SimilarRuleEdgeObject])
  edges!: SimilarRuleEdgeObject[];

  @Field(() => [SimilarRuleObject])
  nodes!: SimilarRuleObject[];

  @Field(() => PageInfoObject)
  pageInfo!: PageInfoObject;
}

@ObjectType("SimilarRulePayload")
export class SimilarRulePayload {
  @Field(() => SimilarRuleObject, { nullable: true, description: "The rule as it is now." })
  rule!: SimilarRuleObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

@ObjectType("RemoveSimilarRulePayload")
export class RemoveSimilarRulePayload {
  @Field(() => ID, { nullable: true })
  removedId!: string | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

export function showRule(row: SimilarRule, state: SimilarRuleState): SimilarRuleObject {
  const { id, action, forCategory, position, from, to, note, createdAt, updatedAt } = row;
  return {
    ...{ row, id: formatRuleId(id), action, state, position, from, to, note, createdAt, updatedAt },
    forCategory: forCategory === null ? null : [...forCategory],
  };
}
