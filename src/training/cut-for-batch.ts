import { type CutGraph, cutGraph, trainablesOf } from "../autodiff/index.js";
import { bindDimensions, foldConstants, inferShapes, type Tensor } from "../onnx/index.js";
import { BATCH, type PreparedEncoder } from "./prepare-encoder.js";
import { weightsAsInputs } from "./weights-as-inputs.js";

/** The encoder with a static batch, its shape arithmetic computed, cut. Weights stay as they are. */
export async function cutForBatch(encoder: PreparedEncoder, cuts: readonly string[], batch: number): Promise<CutGraph> {
  const bound = inferShapes(bindDimensions(encoder.graph, { [BATCH]: batch }));
  // Folding must not reach weights: a class token repeated for every photo would become as many tokens.
  const weights = trainablesOf(bound);
  const folded = await foldConstants(weightsAsInputs(bound, weights));
  const tensors = weights.map((name) => [name, bound.initialisers.get(name)] as const);
  return cutGraph(
    inferShapes({
      ...folded,
      inputs: bound.inputs,
      initialisers: new Map([
        ...folded.initialisers,
        ...tensors.filter((entry): entry is [string, Tensor] => !!entry[1]),
      ]),
    }),
    cuts,
  );
}
