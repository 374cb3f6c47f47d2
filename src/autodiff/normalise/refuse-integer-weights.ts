import { type Graph, QuantisedGraph, type Tensor } from "../../onnx/index.js";
import { isCastToFloat32 } from "./cast-to-float32.js";

/**
 * Refuses weights that were quantised by hand: matrices of 8 bits or fewer, cast and scaled by ordinary operators. They
 * would fold into floats and train, from weights that were rounded to 256 steps.
 * @throws QuantisedGraph
 */
export function refuseIntegerWeights(graph: Graph): void {
  const constants = new Set(graph.initialisers.keys());
  const packed = new Set([...graph.initialisers].filter(([, tensor]) => isPacked(tensor)).map(([name]) => name));
  for (const node of graph.nodes) {
    const value = node.operator === "Constant" ? node.attributes.get("value") : undefined;
    const isConstant = node.inputs.every((name) => name === "" || constants.has(name));
    if (!isConstant) continue;
    for (const name of node.outputs) constants.add(name);
    if (!(value?.kind === "tensor" && isPacked(value.value)) && !node.inputs.some((name) => packed.has(name))) continue;
    if (isCastToFloat32(node)) throw new QuantisedGraph(node.operator, node.name);
    for (const name of node.outputs) packed.add(name);
  }
}

function isPacked({ elementType, shape }: Tensor): boolean {
  return (elementType === "int8" || elementType === "uint8") && shape.filter((size) => size > 1).length > 1;
}
