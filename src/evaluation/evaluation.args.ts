import { ArgsType, Field, registerEnumType } from "type-graphql";

export enum EvaluationSplit {
  ALL = "all",
  TEST = "test",
}

export enum EvaluationGallery {
  SAME = "same",
  TRAIN = "train",
  ALL = "all",
}

registerEnumType(EvaluationSplit, {
  name: "EvaluationSplit",
  description: "Which products ask.",
  valuesConfig: { TEST: { description: "Those of the test split." } },
});

registerEnumType(EvaluationGallery, {
  name: "EvaluationGallery",
  description: "Which products answer.",
  valuesConfig: {
    SAME: { description: "Those that ask, without the one that asks." },
    TRAIN: { description: "Those of the training split." },
    ALL: { description: "All, without the one that asks." },
  },
});

@ArgsType()
export class EvaluationArgs {
  @Field(() => String, { defaultValue: "active", description: "active, base, or a model's id." })
  model!: string;

  @Field(() => String, { defaultValue: "category", description: "category, group, product, or attribute:NAME." })
  labels!: string;

  @Field(() => EvaluationSplit, { defaultValue: EvaluationSplit.ALL })
  split!: EvaluationSplit;

  @Field(() => EvaluationGallery, { defaultValue: EvaluationGallery.SAME })
  gallery!: EvaluationGallery;

  @Field(() => [String], {
    nullable: true,
    description: "Only products of these labels: whole names (Shoes > Boots) or last parts.",
  })
  onlyLabels?: string[];

  @Field(() => [String], { nullable: true, description: "Without products of these labels." })
  excludeLabels?: string[];

  @Field(() => String, { nullable: true, description: "Another model to compare with on the same questions." })
  against?: string;
}
