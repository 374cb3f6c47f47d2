import { Field, Float, Int, ObjectType } from "type-graphql";

@ObjectType("PhotoFailureCount")
export class PhotoFailureCountObject {
  @Field(() => String)
  code!: string;

  @Field(() => Int)
  photos!: number;
}

@ObjectType("JobCounts", { description: "Background jobs of one kind." })
export class JobCountsObject {
  @Field(() => String)
  name!: string;

  @Field(() => Int)
  waiting!: number;

  @Field(() => Int)
  active!: number;

  @Field(() => Int, { description: "Waiting for another attempt." })
  retrying!: number;

  @Field(() => Int, { description: "Given up." })
  failed!: number;
}

@ObjectType("CatalogHealth", { description: "How complete the catalog and its vectors are." })
export class CatalogHealthObject {
  @Field(() => Int)
  products!: number;

  @Field(() => Int, { description: "Products that similarItems can answer for, with the active model." })
  embeddedProducts!: number;

  @Field(() => Int)
  productsWithoutPhotos!: number;

  @Field(() => Int)
  photos!: number;

  @Field(() => Int)
  photosPending!: number;

  @Field(() => Int)
  photosReady!: number;

  @Field(() => Int)
  photosFailed!: number;

  @Field(() => Int, { description: "Different photo contents; one that several products share is embedded once." })
  distinctPhotos!: number;

  @Field(() => Int, { description: "Different photo contents with a vector of the active model." })
  embeddedPhotos!: number;

  @Field(() => Float, { description: "Share of the fetched photo contents that are embedded, 0 … 1." })
  coverage!: number;

  @Field(() => Int, { description: "Workers that gave a sign of life lately." })
  workers!: number;

  @Field(() => [PhotoFailureCountObject], { description: "Reasons of failed photos, most frequent first." })
  failures!: PhotoFailureCountObject[];

  @Field(() => [JobCountsObject])
  jobs!: JobCountsObject[];
}
