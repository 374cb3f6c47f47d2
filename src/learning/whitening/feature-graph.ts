import { GraphBuilder, type Value } from "../../onnx/index.js";
import {
  type EncoderGraph,
  type FeatureSpecification,
  joinFeatures,
  poolFeature,
  prepareEncoder,
} from "../../training/index.js";

/** A graph under construction that has the joined features of a photo. */
export interface FeatureGraph {
  readonly builder: GraphBuilder;
  /** `[batch, width]`. */
  readonly joined: Value;
  readonly width: number;
}

/**
 * The encoder up to its joined features, batch open, as a head in training sees them.
 * @throws TrainingUnfit, and what reading a graph throws
 */
export async function featureGraph(
  encoder: EncoderGraph,
  features: readonly FeatureSpecification[],
): Promise<FeatureGraph> {
  const values = features.map(({ value }) => value);
  const { graph } = await prepareEncoder(encoder, [], values);
  const builder = GraphBuilder.from({ ...graph, outputs: [] });
  const pooled = features.map((feature) => poolFeature(builder, builder.value(feature.value), feature));
  const joined = joinFeatures(builder, pooled);
  return { builder, joined, width: Number(joined.type.shape[1]) };
}
