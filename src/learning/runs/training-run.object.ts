import { Field, Float, ID, Int, ObjectType } from "type-graphql";
import { PageInfoObject } from "../../catalog/products/page-info.object.js";
import { LabelComparisonObject, RankingDifferenceObject } from "../../evaluation/evaluation.object.js";
import type { GuardName, RecipeName } from "../learning.type.js";
import {
  PromotePolicy,
  TrainingDevice,
  TrainingGuard,
  TrainingRecipe,
  TrainingStage,
  TrainingState,
} from "./training-enums.js";
import type { RunStage, TrainingRun } from "./training-run.type.js";

@ObjectType("TrainingPositives", { description: "One notion of similar that a run learns from." })
export class TrainingPositivesObject {
  @Field(() => String, { description: "category, group, product, augmentation or attribute:NAME." })
  by!: string;

  @Field(() => Float, { description: "Share of the batches drawn by it, relative to the others." })
  weight!: number;
}

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

@ObjectType("TrainingGate", { description: "How a run's model was compared with the live one, and what was decided." })
export class TrainingGateObject {
  @Field(() => Boolean, { description: "Whether it was better; with IF_BETTER it then answers." })
  passed!: boolean;

  @Field(() => String, { description: "BETTER, NOT_BETTER or TOO_FEW_QUERIES." })
  verdict!: string;

  @Field(() => String)
  reason!: string;

  @Field(() => Int, { description: "Held-out products that asked." })
  queries!: number;

  @Field(() => [RankingDifferenceObject], { description: "This model's figures, and the live one's as `other`." })
  differences!: RankingDifferenceObject[];

  @Field(() => [LabelComparisonObject], { description: "Labels that surely got worse." })
  worse!: LabelComparisonObject[];
}

@ObjectType("TrainingFailure")
export class TrainingFailureObject {
  @Field(() => String)
  code!: string;

  @Field(() => String)
  message!: string;
}

@ObjectType("TrainingRun", { description: "One attempt to learn the shop's own notion of similar." })
export class TrainingRunObject {
  /** The row behind it, for the fields that are read when they are asked for. */
  row!: TrainingRun;

  @Field(() => ID)
  id!: string;

  @Field(() => TrainingState)
  state!: TrainingState;

  @Field(() => TrainingStage, { nullable: true })
  stage!: RunStage | null;

  @Field(() => Int, { description: "Of this stage." })
  done!: number;

  @Field(() => Int, { description: "Of this stage; 0 while nobody knows." })
  total!: number;

  @Field(() => Int, { nullable: true })
  secondsLeft!: number | null;

  @Field(() => [TrainingPositivesObject])
  positives!: TrainingPositivesObject[];

  @Field(() => TrainingRecipe, { description: "As asked for; `plan` says what became of AUTO." })
  recipe!: RecipeName;

  @Field(() => Float)
  budgetMinutes!: number;

  @Field(() => Int)
  seed!: number;

  @Field(() => [String], { nullable: true, description: "Labels that it learns from; null for all." })
  onlyLabels!: string[] | null;

  @Field(() => [String], { nullable: true })
  excludeLabels!: string[] | null;

  @Field(() => PromotePolicy)
  promote!: PromotePolicy;

  @Field(() => String, { description: "Name of the encoder that is tuned." })
  encoder!: string;

  @Field(() => TrainingPlanObject, { nullable: true })
  plan!: TrainingPlanObject | null;

  @Field(() => [TrainingGuardRecordObject])
  guards!: TrainingGuardRecordObject[];

  @Field(() => TrainingResultObject, { nullable: true })
  result!: TrainingResultObject | null;

  @Field(() => TrainingGateObject, { nullable: true })
  gate!: TrainingGateObject | null;

  @Field(() => TrainingFailureObject, { nullable: true, description: "Of the run, or of its last attempt." })
  failure!: TrainingFailureObject | null;

  @Field(() => Int)
  attempts!: number;

  @Field(() => Int, { nullable: true, description: "Step of the checkpoint that a resume goes on from." })
  checkpointStep!: number | null;

  @Field(() => Date, { nullable: true })
  cancelRequestedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: "Last sign of life of its worker." })
  seenAt!: Date | null;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date, { nullable: true })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true })
  finishedAt!: Date | null;
}

@ObjectType("TrainingRunEdge")
export class TrainingRunEdgeObject {
  @Field(() => String)
  cursor!: string;

  @Field(() => TrainingRunObject)
  node!: TrainingRunObject;
}

@ObjectType("TrainingRunConnection")
export class TrainingRunConnectionObject {
  @Field(() => [TrainingRunEdgeObject])
  edges!: TrainingRunEdgeObject[];

  @Field(() => [TrainingRunObject])
  nodes!: TrainingRunObject[];

  @Field(() => PageInfoObject)
  pageInfo!: PageInfoObject;
}
