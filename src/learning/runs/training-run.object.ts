import { Field, Float, ID, Int, ObjectType } from "type-graphql";
import { PageInfoObject } from "../../catalog/products/page-info.object.js";
import { LabelComparisonObject, RankingDifferenceObject } from "../../evaluation/evaluation.object.js";
import type { RecipeName } from "../learning.type.js";
import { PromotePolicy, TrainingRecipe, TrainingStage, TrainingState } from "./training-enums.js";
import { TrainingGuardRecordObject, TrainingPlanObject, TrainingResultObject } from "./training-parts.object.js";
import type { RunStage, TrainingRun } from "./training-run.type.js";

@ObjectType("TrainingPositives", { description: "One notion of similar that a run learns from." })
export class TrainingPositivesObject {
  @Field(() => String, { description: "category, group, product, augmentation or attribute:NAME." })
  by!: string;

  @Field(() => Float, { description: "Share of the batches drawn by it, relative to the others." })
  weight!: number;
}

@ObjectType("TrainingGatePart", { description: "The comparison on some of the labels." })
export class TrainingGatePartObject {
  @Field(() => Int, { description: "Held-out products that asked." })
  queries!: number;

  @Field(() => [RankingDifferenceObject])
  differences!: RankingDifferenceObject[];
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

  @Field(() => TrainingGatePartObject, {
    nullable: true,
    description: "On the labels that it learned from, where those are not all.",
  })
  learned!: TrainingGatePartObject | null;

  @Field(() => TrainingGatePartObject, { nullable: true, description: "On the labels that it did not learn from." })
  unlearned!: TrainingGatePartObject | null;

  @Field(() => [LabelComparisonObject], { description: "Labels that surely got worse." })
  worse!: LabelComparisonObject[];
}

@ObjectType("SuspectAccuracy", { description: "How well a run found the labels that were replaced on purpose." })
export class SuspectAccuracyObject {
  @Field(() => Int)
  replaced!: number;

  @Field(() => Int)
  suspected!: number;

  @Field(() => Int, { description: "Suspected photos whose label was replaced." })
  found!: number;

  @Field(() => Float)
  precision!: number;

  @Field(() => Float)
  recall!: number;
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

  @Field(() => SuspectAccuracyObject, {
    nullable: true,
    description: "Only of a run some of whose labels were replaced on purpose, by a benchmark.",
  })
  suspectAccuracy!: SuspectAccuracyObject | null;

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
