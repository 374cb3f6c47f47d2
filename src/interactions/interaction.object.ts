import { Field, Float, GraphQLISODateTime, Int, ObjectType } from "type-graphql";
import { UserErrorObject } from "../catalog/products/user-error.object.js";
import { ModelVersionObject } from "../models/model-version.object.js";
import type { InteractionCounts, InteractionRates, Rate } from "./interaction.type.js";

@ObjectType("RecordInteractionsPayload")
export class RecordInteractionsPayload {
  @Field(() => Int, { description: "What was new: one a product of an event." })
  recorded!: number;

  @Field(() => Int, { description: "What was there already, by its event id." })
  repeated!: number;

  @Field(() => [UserErrorObject], { description: "Events that were not kept; the others were." })
  userErrors!: UserErrorObject[];
}

@ObjectType("InteractionRate", { description: "A share with Wilson's interval at 95 %." })
export class InteractionRateObject {
  @Field(() => Int)
  successes!: number;

  @Field(() => Int)
  trials!: number;

  @Field(() => Float, { nullable: true, description: "0 … 1; null without trials, as are the bounds." })
  share?: number | null;

  @Field(() => Float, { nullable: true })
  low?: number | null;

  @Field(() => Float, { nullable: true })
  high?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the interval has a value in common with the control's: then the difference may be chance.",
  })
  overlapsControl?: boolean | null;
}

@ObjectType("InteractionRates")
export class InteractionRatesObject implements InteractionRates {
  @Field(() => InteractionRateObject)
  clicks!: Rate;

  @Field(() => InteractionRateObject)
  carts!: Rate;

  @Field(() => InteractionRateObject)
  purchases!: Rate;
}

@ObjectType("InteractionCounts", { description: "What came of answers." })
export class InteractionCountsObject implements InteractionCounts {
  @Field(() => Int)
  impressions!: number;

  @Field(() => Int)
  clicks!: number;

  @Field(() => Int)
  carts!: number;

  @Field(() => Int)
  purchases!: number;

  @Field(() => Int, { description: "Different visitors who were shown something, of those whose key was sent." })
  visitors!: number;

  @Field(() => InteractionRatesObject, {
    description: "Of the products shown, each counted once an answer and visitor: those with such an event.",
  })
  perItem!: InteractionRates;

  @Field(() => InteractionRatesObject, {
    description: "Of the visitors who were shown something: those with such an event. Variants are compared by these.",
  })
  perVisitor!: InteractionRates;
}

@ObjectType("ModelReport", { description: "What came of a model's answers, in experiments and outside." })
export class ModelReportObject {
  modelId!: number;

  @Field(() => GraphQLISODateTime)
  from!: Date;

  @Field(() => GraphQLISODateTime)
  to!: Date;

  @Field(() => InteractionCountsObject)
  counts!: InteractionCounts;

  @Field(() => ModelVersionObject, { name: "model", nullable: true, description: "Null once it is deleted." })
  model!: ModelVersionObject | null;
}
