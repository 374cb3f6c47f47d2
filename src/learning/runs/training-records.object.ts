import { Field, Float, ID, Int, ObjectType } from "type-graphql";
import { ProductImageObject, ProductObject } from "../../catalog/products/product.object.js";

@ObjectType("TrainingPhoto", { description: "A photo that a run has seen. It may have left the catalog meanwhile." })
export class TrainingPhotoObject {
  /** Its key in the database. */
  key!: bigint;

  @Field(() => ID)
  imageId!: string;

  @Field(() => ProductImageObject, { nullable: true })
  image?: ProductImageObject | null;

  @Field(() => ProductObject, { nullable: true })
  product?: ProductObject | null;
}

@ObjectType("MinedTriplet", { description: "An anchor with a far photo of its label and a near photo of another one." })
export class MinedTripletObject {
  @Field(() => Int)
  epoch!: number;

  @Field(() => TrainingPhotoObject)
  anchor!: TrainingPhotoObject;

  @Field(() => TrainingPhotoObject)
  positive!: TrainingPhotoObject;

  @Field(() => TrainingPhotoObject)
  negative!: TrainingPhotoObject;

  @Field(() => Float, { description: "Cosine distance when it was mined." })
  positiveDistance!: number;

  @Field(() => Float, { description: "Cosine distance when it was mined." })
  negativeDistance!: number;
}

@ObjectType("SuspectLabel", { description: "A photo whose nearest others mostly carry another label." })
export class SuspectLabelObject {
  @Field(() => TrainingPhotoObject)
  photo!: TrainingPhotoObject;

  @Field(() => String)
  label!: string;

  @Field(() => String, { description: "The label that most of its nearest others have." })
  suggested!: string;

  @Field(() => Float, { description: "Share of its nearest others that have its label." })
  agreement!: number;
}
