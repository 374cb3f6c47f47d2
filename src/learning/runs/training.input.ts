import { IsOptional, Max, Min } from "class-validator";
import { ArgsType, Field, Float, ID, InputType, Int } from "type-graphql";
import type { Config } from "../../config.js";
import type { RecipeName } from "../learning.type.js";
import { PromotePolicy, TrainingDevice, TrainingRecipe, TrainingState } from "./training-enums.js";

@InputType("TrainingPositivesInput", { description: "One notion of similar to learn from." })
export class TrainingPositivesInput {
  @Field(() => String, {
    description:
      "What makes two photos similar: the same category, group or product, or attribute:NAME. augmentation: only " +
      "other views of the photo itself.",
  })
  by!: string;

  @Field(() => Float, { defaultValue: 1, description: "Share of the batches drawn by it, relative to the others." })
  weight!: number;
}

@InputType("StartTrainingInput")
export class StartTrainingInput {
  @Field(() => [TrainingPositivesInput], {
    nullable: true,
    description: "Left out: category. The first one is what the model is judged by.",
  })
  positives?: TrainingPositivesInput[] | null;

  @Field(() => TrainingRecipe, { defaultValue: "auto" })
  recipe!: RecipeName;

  @Field(() => Float, { defaultValue: 10, description: "0.1 … 1440. The refresh of the vectors comes on top." })
  budgetMinutes!: number;

  @Field(() => Int, { defaultValue: 1, description: "Everything that is drawn follows from it." })
  seed!: number;

  @Field(() => TrainingDevice, { defaultValue: "auto" })
  device!: Config["device"];

  @Field(() => PromotePolicy, { defaultValue: PromotePolicy.IF_BETTER })
  promote!: PromotePolicy;

  @Field(() => [String], { nullable: true, description: "Labels to learn from; left out: all." })
  onlyLabels?: string[] | null;

  @Field(() => [String], { nullable: true, description: "Labels to leave out." })
  excludeLabels?: string[] | null;

  @Field(() => Boolean, { defaultValue: false, description: "Only say what there is to learn from." })
  dryRun!: boolean;
}

@ArgsType()
export class TrainingRunsArgs {
  @Field(() => Int, { defaultValue: 20, description: "1 … 100." })
  @Min(1)
  @Max(100)
  first!: number;

  @Field(() => ID, { nullable: true, description: "Runs older than the one with this cursor, which is its id." })
  after?: string | null;

  @Field(() => TrainingState, { nullable: true })
  @IsOptional()
  state?: TrainingState | null;
}

@ArgsType()
export class TripletsArgs {
  @Field(() => Int, { nullable: true, description: "Left out: the last one." })
  @IsOptional()
  @Min(1)
  epoch?: number | null;

  @Field(() => Int, { defaultValue: 20, description: "1 … 100; hardest first." })
  @Min(1)
  @Max(100)
  first!: number;
}

@ArgsType()
export class SuspectsArgs {
  @Field(() => Int, { defaultValue: 20, description: "1 … 1000; least agreement first." })
  @Min(1)
  @Max(1_000)
  first!: number;
}
