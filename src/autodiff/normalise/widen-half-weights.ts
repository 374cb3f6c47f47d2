import { type Graph, pruneGraph, type Tensor, toFloat32 } from "../../onnx/index.js";
import { isCastToFloat32 } from "./cast-to-float32.js";
import { readingInstead } from "./value-names.js";

/**
 * The same graph with weights that are stored as float16, bfloat16 or float64 and cast to float32 before use stored as
 * float32 under their own name, and the casts gone: only such weights can be trained. A weight that something else
 * reads in its narrow form keeps that form there, and the wide one is called `<name>.float32`.
 */
export function widenHalfWeights(graph: Graph): Graph {
  const initialisers = new Map(graph.initialisers);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const narrowReaders = new Set(
    graph.nodes
      .filter((node) => !isCastToFloat32(node))
      .flatMap(({ inputs }) => inputs)
      .concat([...outputs]),
  );
  const replacements = new Map<string, string>();
  const nodes = graph.nodes.filter((node) => {
    const [weight, result] = [node.inputs[0], node.outputs[0]];
    if (!isCastToFloat32(node) || weight === undefined || result === undefined || outputs.has(result)) return true;
    const tensor = graph.initialisers.get(weight);
    if (tensor === undefined || !isNarrowFloat(tensor)) return true;
    const name = narrowReaders.has(weight) ? `${weight}.float32` : weight;
    initialisers.set(name, toFloat32(tensor));
    replacements.set(result, name);
    return false;
  });
  return pruneGraph({ ...graph, initialisers, nodes: readingInstead(nodes, replacements) });
}

function isNarrowFloat({ elementType }: Tensor): boolean {
  return elementType === "float16" || elementType === "bfloat16" || elementType === "float64";
}
