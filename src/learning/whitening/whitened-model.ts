import { checkGraph, modelOf, pruneGraph, writeModel } from "../../onnx/index.js";
import type { EncoderGraph, FeatureSpecification } from "../../training/index.js";
import { project } from "../export/project.js";
import { featureGraph } from "./feature-graph.js";
import type { Projection } from "./projection.type.js";
import { VectorsUnusable } from "./whitening.errors.js";

export interface WhitenedModelParts {
  readonly encoder: EncoderGraph;
  readonly features: readonly FeatureSpecification[];
  /** Fitted on the same joined features. */
  readonly fit: Projection;
}

/**
 * An encoder whose joined features are centred, projected and brought to unit length, as an ordinary ONNX model:
 * photos → "embedding" `[batch, dims]`.
 * @throws VectorsUnusable when the projection was fitted on other features; TrainingUnfit
 */
export async function buildWhitenedModel({ encoder, features, fit }: WhitenedModelParts): Promise<Uint8Array> {
  const { builder, joined, width } = await featureGraph(encoder, features);
  if (fit.width !== width) {
    throw new VectorsUnusable(
      `The projection was fitted on vectors of ${fit.width}; these features give ${width}. Fit it on these features.`,
    );
  }
  builder.output(project(builder, joined, fit, "whitening"), "embedding");
  const graph = pruneGraph(builder.graph());
  checkGraph(graph);
  return writeModel(modelOf(graph));
}
