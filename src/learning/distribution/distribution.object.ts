import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";
import type { DistanceDistribution } from "./distribution.type.js";

@ObjectType("DistanceHistogram", { description: "Counts of pairs by cosine distance." })
export class DistanceHistogramObject {
  @Field(() => Float, { description: "Lower edge of the first bin." })
  from!: number;

  @Field(() => Float, { description: "Width of a bin." })
  width!: number;

  @Field(() => [Float])
  counts!: readonly number[];
}

@ObjectType("DistanceDistribution", {
  description: "How far photos of the same label are apart, and photos of different ones: docs/learning.md.",
})
export class DistanceDistributionObject {
  @Field(() => ID)
  modelId!: string;

  @Field(() => String, { description: "Name of the model." })
  model!: string;

  @Field(() => String)
  labels!: string;

  @Field(() => Int)
  photos!: number;

  @Field(() => Float, { description: "Pairs of photos of the same label." })
  positivePairs!: number;

  @Field(() => Float, { description: "Pairs of photos of different labels that were looked at." })
  negativePairs!: number;

  @Field(() => Boolean, { description: "Whether these are all there are, or a sample." })
  allNegatives!: boolean;

  @Field(() => DistanceHistogramObject)
  positive!: DistanceHistogramObject;

  @Field(() => DistanceHistogramObject)
  negative!: DistanceHistogramObject;

  @Field(() => Float, { description: "Where distances of positive pairs gather." })
  positivePeak!: number;

  @Field(() => Float, { description: "Where distances of negative pairs gather." })
  negativePeak!: number;

  @Field(() => Float, { description: "Share of the positive pairs nearer than their peak." })
  easyPositives!: number;

  @Field(() => Float, { description: "Share of the positive pairs beyond their peak." })
  hardPositives!: number;

  @Field(() => Float, { description: "Share of the negative pairs nearer than their peak." })
  hardNegatives!: number;

  @Field(() => Float, { description: "Share of the negative pairs beyond their peak." })
  easyNegatives!: number;

  @Field(() => Float, { description: "Area that both densities share, 0 … 1." })
  overlap!: number;

  @Field(() => Float, { description: "Distance of the two means, in pooled standard deviations." })
  dPrime!: number;

  @Field(() => Float, {
    description: "Distance beyond which as large a share of positives lies as of negatives within.",
  })
  equalErrorThreshold!: number;

  @Field(() => Float, { description: "That share." })
  equalErrorRate!: number;

  @Field(() => Float)
  meanPositive!: number;

  @Field(() => Float)
  meanNegative!: number;

  @Field(() => GraphQLISODateTime)
  createdAt!: Date;
}

export function showDistribution({
  report,
  modelId,
  ...distribution
}: DistanceDistribution): DistanceDistributionObject {
  const { bands, ...figures } = report;
  return { ...distribution, ...figures, ...bands, modelId: String(modelId) };
}
