import { Field, Float, Int, ObjectType } from "type-graphql";

export { ImportRunObject } from "../import/import-run.object.js";

@ObjectType("EmbeddingProgress", { description: "How far the photos have come." })
export class EmbeddingProgressObject {
  @Field(() => Int, { description: "Different photo contents with a vector of the active model." })
  embeddedPhotos!: number;

  @Field(() => Int, { description: "Photos still to be fetched or embedded." })
  remainingPhotos!: number;

  @Field(() => Float, { description: "Over the last quarter of a minute." })
  photosPerSecond!: number;

  @Field(() => Int, { nullable: true, description: "At that rate; null while there is none." })
  secondsLeft!: number | null;
}
