import { type Graph, isKnownOperator } from "../onnx/index.js";
import { GraphNotTrainable } from "./autodiff.errors.js";
import { trainablesOf } from "./trainables.js";
import { pathTo, valuesReachedFrom } from "./weight-paths.js";

/**
 * Refuses operators of other sets, and those of the standard that have no rules here, behind a cut. To be asked before
 * shapes are inferred, which would only say that a shape is not known.
 * @throws GraphNotTrainable naming the operator, its node, and the path to the weight, or else to the cut
 */
export function refuseUnknownOperators(graph: Graph, cuts: readonly string[]): void {
  const behind = valuesReachedFrom(graph, cuts);
  const unknown = graph.nodes.find(
    (node) => !isKnownOperator(node) && node.outputs.some((name) => behind.has(name)) && !makes(node.outputs, cuts),
  );
  if (unknown === undefined) return;
  const nodes = graph.nodes.filter(({ outputs }) => outputs.some((name) => behind.has(name)) && !makes(outputs, cuts));
  const tail = { ...graph, nodes };
  const fromWeights = valuesReachedFrom(tail, trainablesOf(tail));
  const reached = unknown.outputs.some((name) => fromWeights.has(name)) ? fromWeights : behind;
  const operator = unknown.domain === "" ? unknown.operator : `${unknown.domain}.${unknown.operator}`;
  throw new GraphNotTrainable(operator, unknown.name, pathTo(unknown, reached));
}

function makes(outputs: readonly string[], cuts: readonly string[]): boolean {
  return outputs.some((name) => cuts.includes(name));
}
