import { Field, Int, ObjectType } from "type-graphql";
import { UserErrorObject } from "../../catalog/products/user-error.object.js";
import { TrainingPlanObject } from "./training-parts.object.js";
import { TrainingRunObject } from "./training-run.object.js";

@ObjectType("TrainingPreview", { description: "What a run would learn from." })
export class TrainingPreviewObject {
  @Field(() => String, { description: "Name of the encoder that would be tuned." })
  encoder!: string;

  @Field(() => Int, { description: "Photos of active products that have a vector." })
  photos!: number;

  @Field(() => Int, { description: "Photos still to be fetched or embedded; a run that starts now does not see them." })
  photosMissing!: number;

  @Field(() => Int, { description: "Labels by the first of the positives." })
  labels!: number;

  @Field(() => Int, { description: "Labels with two photos or more: only these make pairs." })
  labelsWithPairs!: number;

  @Field(() => Int)
  labelledPhotos!: number;

  @Field(() => Int, { description: "Photos that the import has set aside for tests." })
  testPhotos!: number;

  @Field(() => TrainingPlanObject, { nullable: true, description: "With dryRun; takes some ten seconds." })
  plan!: TrainingPlanObject | null;
}

@ObjectType("StartTrainingPayload")
export class StartTrainingPayload {
  @Field(() => TrainingRunObject, { nullable: true, description: "The run, which a worker carries out." })
  run!: TrainingRunObject | null;

  @Field(() => TrainingPreviewObject, { nullable: true })
  preview!: TrainingPreviewObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}

@ObjectType("TrainingRunPayload")
export class TrainingRunPayload {
  @Field(() => TrainingRunObject, { nullable: true, description: "The run as it is now." })
  run!: TrainingRunObject | null;

  @Field(() => [UserErrorObject])
  userErrors!: UserErrorObject[];
}
