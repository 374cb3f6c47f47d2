import { bindDimensions, checkGraph, foldConstants, type Graph, inferShapes } from "../../onnx/index.js";
import { foldBatchNormalization } from "./fold-batch-normalization.js";
import { plainCeilMode } from "./plain-ceil-mode.js";
import { refuseIntegerWeights } from "./refuse-integer-weights.js";
import { removeIdentities } from "./remove-identities.js";
import { widenHalfWeights } from "./widen-half-weights.js";

export { foldBatchNormalization, removeIdentities, widenHalfWeights };

/**
 * An inference graph in the form that is differentiated: every shape static for the sizes given (`{ batch: 32 }`),
 * weights in float32, constants folded, nothing that only passes values on, BatchNormalization worked into the
 * convolution before it. Computes the same as the graph given, under the same names of inputs and outputs.
 * @throws GraphInvalid, OnnxFeatureUnsupported, ShapeUnknown, DynamicControlFlow, QuantisedGraph
 */
export async function normalise(graph: Graph, sizes: Readonly<Record<string, number>>): Promise<Graph> {
  refuseIntegerWeights(graph);
  const bound = plainCeilMode(inferShapes(bindDimensions(graph, sizes)));
  checkGraph(bound);
  // Weights are widened before constants are folded, so that they keep their names.
  const folded = inferShapes(await foldConstants(widenHalfWeights(bound)));
  const normal = inferShapes(foldBatchNormalization(inferShapes(removeIdentities(folded))));
  checkGraph(normal);
  return normal;
}
