import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType, registerEnumType } from "type-graphql";
import { UserErrorObject } from "../catalog/products/user-error.object.js";
import { InteractionCountsObject } from "../interactions/interaction.object.js";
import type { Experiment, ExperimentState } from "./experiment.type.js";
import { formatExperimentId } from "./experiment-id.js";

export const ExperimentStates = {
  SCHEDULED: "SCHEDULED",
  RUNNING: "RUNNING",
  ENDED: "ENDED",
} as const satisfies Record<ExperimentState, ExperimentState>;
registerEnumType(ExperimentStates, { name: "ExperimentState" });

@ObjectType("ExperimentVariant")
export class ExperimentVariantObject {
  @Field(() => Int, { description: "From 0; the first is the control." })
  variant!: number;

  @Field(() => ID)
  modelId!: string;

  @Field(() => Float, { description: "Part of the visitors in the experiment who are in this variant, 0 … 1." })
  share!: number;
}

@ObjectType("VariantReport", { description: "What came of one variant's answers." })
export class VariantReportObject extends InteractionCountsObject {
  @Field(() => Int)
  variant!: number;

  @Field(() => ID)
  modelId!: string;
}

@ObjectType("Experiment", { description: "Models that answer different visitors at the same time." })
export class ExperimentObject {
  experiment!: Experiment;

  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => ExperimentStates)
  state!: ExperimentState;

  @Field(() => Float, { description: "Part of the visitors who take part, 0 … 1." })
  share!: number;

  @Field(() => GraphQLISODateTime)
  from!: Date;

  @Field(() => GraphQLISODateTime)
  to!: Date;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "When somebody ended it before its time." })
  stoppedAt!: Date | null;

  @Field(() => [ExperimentVariantObject])
  variants!: ExperimentVariantObject[];
}

@ObjectType("ExperimentPayload")
export class ExperimentPayload {
  @Field(() => ExperimentObject, { nullable: true })
  experiment!: ExperimentObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

export function showExperiment(experiment: Experiment, state: ExperimentState): ExperimentObject {
  const { id, name, share, from, to, stoppedAt, variants } = experiment;
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  return {
    ...{ experiment, id: formatExperimentId(id), name, state, share, from, to, stoppedAt },
    variants: variants.map(({ modelId, weight }, variant) => ({
      ...{ variant, modelId: String(modelId), share: weight / total },
    })),
  };
}
