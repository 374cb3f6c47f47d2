import { Field, Float, Int, ObjectType } from "type-graphql";
import type { GuardName, RecipeName } from "../learning.type.js";
import { TrainingDevice, TrainingGuard, TrainingRecipe, TrainingStage } from "./training-enums.js";
import type { RunStage } from "./training-run.type.js";

@ObjectType("TrainingPhase")
export class TrainingPhaseObject {
  @Field(() => TrainingStage)
  stage!: RunStage;

  @Field(() => Int)
  steps!: number;

  @Field(() => Int, { description: "Photos in a step." })
  batch!: number;

  @Field(() => Int, { description: "Views of each photo." })
  views!: number;

  @Field(() => Float)
  estimatedSeconds!: number;

  @Field(() => String)
  description!: string;
}

@ObjectType("TrainingPlan", { description: "The phases a run goes through, as they were decided." })
export class TrainingPlanObject {
  @Field(() => TrainingRecipe)
  recipe!: RecipeName;

  @Field(() => String, { description: "Why." })
  reason!: string;

  @Field(() => TrainingDevice)
  device!: "cpu" | "cuda" | "webgpu";

  @Field(() => Int)
  trainPhotos!: number;

  @Field(() => Int)
  validationPhotos!: number;

  @Field(() => Int, { description: "Held out until the gate." })
  testPhotos!: number;

  @Field(() => Int)
  labels!: number;

  @Field(() => [TrainingPhaseObject])
  phases!: TrainingPhaseObject[];
}

@ObjectType("ValidationFigures", { description: "Validation photos asked against the training photos." })
export class ValidationFiguresObject {
  @Field(() => Float)
  recallAt1!: number;

  @Field(() => Float)
  precisionAt1!: number;

  @Field(() => Float)
  recallAt10!: number;

  @Field(() => Float)
  meanAveragePrecision!: number;

  @Field(() => Float)
  mapAtR!: number;
}

@ObjectType("TrainingEpoch")
export class TrainingEpochObject {
  @Field(() => Int, { description: "1 for the first." })
  epoch!: number;

  @Field(() => TrainingStage)
  stage!: RunStage;

  @Field(() => Int, { description: "Steps up to its end." })
  step!: number;

  @Field(() => Float, { nullable: true, description: "Null when it was not a number." })
  loss!: number | null;

  @Field(() => Float, { nullable: true, description: "Share of pairs or triplets that still had a loss." })
  active!: number | null;

  @Field(() => Float, { nullable: true })
  gradientNorm!: number | null;

  @Field(() => Float)
  learningRate!: number;

  @Field(() => ValidationFiguresObject, { nullable: true })
  validation!: ValidationFiguresObject | null;

  @Field(() => Float, { nullable: true, description: "Mean cosine distance of photos of the same label." })
  meanPositiveDistance!: number | null;

  @Field(() => Float, { nullable: true, description: "Mean cosine distance of photos of different labels." })
  meanNegativeDistance!: number | null;

  @Field(() => Float)
  seconds!: number;
}

@ObjectType("TrainingGuardRecord", { description: "Something went wrong in a training, and was answered." })
export class TrainingGuardRecordObject {
  @Field(() => TrainingGuard)
  guard!: GuardName;

  @Field(() => Int)
  step!: number;

  @Field(() => String, { description: "What was seen and what was done." })
  action!: string;
}

@ObjectType("TrainingTiming")
export class TrainingTimingObject {
  @Field(() => String)
  stage!: string;

  @Field(() => Float)
  seconds!: number;
}

@ObjectType("TrainingResult", { description: "What a finished training has made." })
export class TrainingResultObject {
  @Field(() => Int, { description: "Length of the model's vectors." })
  dims!: number;

  @Field(() => ValidationFiguresObject, { nullable: true })
  validation!: ValidationFiguresObject | null;

  @Field(() => ValidationFiguresObject, { nullable: true, description: "Of the encoder as it came." })
  baseValidation!: ValidationFiguresObject | null;

  @Field(() => Int)
  steps!: number;

  @Field(() => Float)
  seconds!: number;

  @Field(() => [TrainingTimingObject])
  timings!: TrainingTimingObject[];
}
