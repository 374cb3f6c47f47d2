import { type Graph, type Node, pruneGraph } from "../../onnx/index.js";
import { readingInstead } from "./value-names.js";

/**
 * The same graph without nodes that pass their input on: Identity, Dropout as inference runs it, Cast to the type that
 * a value has. Where such a node makes an output of the graph, the value before it takes the output's name, because
 * callers ask by it; the node stays where that value is an input, a constant or an output of its own. A Dropout whose
 * mask is read stays.
 * Needs the types of a graph that `inferShapes` has been through.
 */
export function removeIdentities(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const replacements = new Map<string, string>();
  const nodes = graph.nodes.filter((node) => {
    const [input, result] = [node.inputs[0], node.outputs[0]];
    if (input === undefined || result === undefined || outputs.has(result)) return true;
    const others = node.outputs.slice(1);
    if (!passesOn(node, graph) || others.some((name) => read.has(name) || outputs.has(name))) return true;
    replacements.set(result, input);
    return false;
  });
  return pruneGraph(nameOutputsAtTheirSource({ ...graph, nodes: readingInstead(nodes, replacements) }));
}

/** `a → Identity → output` becomes `output`, and whoever read `a` reads `output`. */
function nameOutputsAtTheirSource(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const nodes = graph.nodes.filter((node) => {
    const [input = "", result = ""] = [node.inputs[0], node.outputs[0]];
    const movable = made.has(input) && !outputs.has(input) && !renamed.has(input);
    if (!passesOn(node, graph) || node.outputs.length > 1 || !outputs.has(result) || !movable) return true;
    renamed.set(input, result);
    return false;
  });
  return {
    ...graph,
    nodes: readingInstead(nodes, renamed).map((node) => ({
      ...node,
      outputs: node.outputs.map((name) => renamed.get(name) ?? name),
    })),
  };
}

function passesOn(node: Node, graph: Graph): boolean {
  if (node.domain !== "") return false;
  switch (node.operator) {
    case "Identity":
      return true;
    case "Dropout":
      return !trains(node, graph);
    case "Cast": {
      const [from, to] = [node.inputs[0], node.outputs[0]].map((name) => elementTypeOf(name, graph));
      return from !== undefined && from === to;
    }
    default:
      return false;
  }
}

/** A third input switches Dropout on; one that is not a constant "no" may do so. */
function trains(node: Node, graph: Graph): boolean {
  const name = node.inputs[2];
  if (name === undefined || name === "") return false;
  return graph.initialisers.get(name)?.data[0] !== 0;
}

function elementTypeOf(name: string | undefined, graph: Graph): string | undefined {
  if (name === undefined) return undefined;
  const type = graph.valueTypes.get(name) ?? graph.inputs.find((input) => input.name === name)?.type;
  return type?.elementType ?? graph.initialisers.get(name)?.elementType;
}
