import { Field, Float, GraphQLISODateTime, ID, InputType } from "type-graphql";

@InputType("ExperimentVariantInput")
export class ExperimentVariantInput {
  @Field(() => ID, { description: "A model version whose vectors are complete." })
  modelId!: string;

  @Field(() => Float, {
    defaultValue: 1,
    description: "Against the other variants' weights; they need not add up to anything.",
  })
  weight!: number;
}

@InputType("StartExperimentInput")
export class StartExperimentInput {
  @Field(() => String)
  name!: string;

  @Field(() => [ExperimentVariantInput], { description: "2 … 10, the control first, each with another model." })
  variants!: ExperimentVariantInput[];

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Left out: now." })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { description: "It runs until this moment, which is no part of it." })
  to!: Date;

  @Field(() => Float, {
    nullable: true,
    description: "Part of the visitors who take part, 0 … 1; the others are answered by the active model. Left out: 1.",
  })
  share?: number | null;
}
