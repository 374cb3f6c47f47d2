import { IsOptional, Length, Max, MaxLength, Min } from "class-validator";
import { ArgsType, Field, GraphQLISODateTime, ID, InputType, Int } from "type-graphql";
import { RuleStates } from "./similar-rule.object.js";
import type { SimilarRuleState } from "./similar-rule.type.js";

const FROM = "The rule holds from this moment. Left out: from now on.";
const TO = "The rule holds until this moment, which is no part of it. Left out: until it is removed.";

@InputType("HideSimilarItemInput")
export class HideSimilarItemInput {
  @Field(() => ID, { description: "The product to hide: ours (`prod_42`) or the platform's own id." })
  productId!: string;

  @Field(() => ID, { nullable: true, description: "Only in the answer for this product." })
  forProductId?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: "Only in the answers for products of this category, outermost first, and below it.",
  })
  forCategory?: string[] | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: FROM })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: TO })
  to?: Date | null;

  @Field(() => String, { nullable: true, description: "For people." })
  note?: string | null;
}

@InputType("PinSimilarItemInput")
export class PinSimilarItemInput {
  @Field(() => ID, { description: "The product to show: ours (`prod_42`) or the platform's own id." })
  productId!: string;

  @Field(() => Int, { description: "1 … 100, counted over all pages." })
  position!: number;

  @Field(() => ID, { nullable: true, description: "Only in the answer for this product." })
  forProductId?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: "Only in the answers for products of this category, outermost first, and below it.",
  })
  forCategory?: string[] | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: FROM })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: TO })
  to?: Date | null;

  @Field(() => String, { nullable: true, description: "For people." })
  note?: string | null;
}

@InputType("UpdateSimilarRuleInput", { description: "What is left out stays as it is; null takes it away." })
export class UpdateSimilarRuleInput {
  @Field(() => Int, { nullable: true, description: "1 … 100, of a pin." })
  position?: number | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true })
  to?: Date | null;

  @Field(() => String, { nullable: true })
  note?: string | null;
}

@ArgsType()
export class SimilarRulesArgs {
  @Field(() => ID, { nullable: true, description: "Rules that pin or hide this product." })
  @IsOptional()
  @Length(1, 500)
  productId?: string | null;

  @Field(() => ID, { nullable: true, description: "Rules about this product's answer alone." })
  @IsOptional()
  @Length(1, 500)
  forProductId?: string | null;

  @Field(() => [String], { nullable: true, description: "Rules about this very category." })
  @IsOptional()
  @MaxLength(500, { each: true })
  forCategory?: string[] | null;

  @Field(() => RuleStates, { nullable: true })
  @IsOptional()
  state?: SimilarRuleState | null;

  @Field(() => Int, { defaultValue: 20, description: "1 … 100." })
  @Min(1)
  @Max(100)
  first!: number;

  @Field(() => String, { nullable: true, description: "`endCursor` of the page before." })
  @IsOptional()
  @MaxLength(100)
  after?: string | null;
}
