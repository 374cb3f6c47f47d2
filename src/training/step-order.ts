import { attribute, type Graph, type Node } from "../onnx/index.js";

/**
 * ONNX Runtime runs a graph in an order of its own: it walks back from the nodes that nobody reads, the last of them in
 * the file first (ReverseDFSFrom in its graph.cc). Gradients of weights are such nodes. As the walker emits them, that
 * of the first layer comes last, so that the runtime would go back through all layers before it took the other
 * gradients, and keep everything for them. docs/decisions/121 has the figures.
 *
 * The same graph with those nodes at its end, the last layer's behind: every layer's gradients follow its own way back.
 */
export function lastLayerFirst(graph: Graph): Graph {
  const { ends, others } = endsOf(graph);
  const maker = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const types = new Map(graph.outputs.map(({ name, type }) => [name, type]));
  const valueTypes = new Map(graph.valueTypes);
  const pinned = ends.toReversed().map((node): Node[] => {
    const [output = ""] = node.outputs;
    const type = types.get(output);
    if (type === undefined || type.shape.length === 0 || !isReplaced(node, maker)) return [node];
    const before = `${output}/unpinned`;
    valueTypes.set(before, type);
    const end: Node = {
      name: `${node.name}/pin`,
      operator: "Concat",
      domain: "",
      inputs: [before],
      outputs: [output],
      attributes: new Map([["axis", attribute.int(0)]]),
    };
    return [{ ...node, outputs: [before] }, end];
  });
  return { ...graph, nodes: [...others, ...pinned.flat()], valueTypes };
}

/** The same graph with its nodes as ONNX Runtime runs them. */
export function runtimeOrder(graph: Graph): Graph {
  const position = new Map<string, number>();
  for (const [index, node] of graph.nodes.entries()) for (const output of node.outputs) position.set(output, index);
  const sources = graph.nodes.map(({ inputs }) =>
    [...new Set(inputs.flatMap((name) => position.get(name) ?? []))].sort((a, b) => a - b),
  );
  const { ends } = endsOf(graph);
  const ending = new Set(ends);
  const waiting = graph.nodes.flatMap((node, index) => (ending.has(node) ? [{ index, done: false }] : []));
  const visited = new Set<number>();
  const nodes: Node[] = [];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const { index, done } = entry;
    const node = graph.nodes[index];
    if (done && node) nodes.push(node);
    if (done || visited.has(index)) continue;
    visited.add(index);
    waiting.push({ index, done: true });
    for (const source of sources[index] ?? []) if (!visited.has(source)) waiting.push({ index: source, done: false });
  }
  return { ...graph, nodes };
}

/** Nodes whose outputs no node reads, and all others. */
function endsOf({ nodes }: Graph): { ends: Node[]; others: Node[] } {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isEnd = ({ outputs }: Node) => !outputs.some((output) => read.has(output));
  return { ends: nodes.filter(isEnd), others: nodes.filter((node) => !isEnd(node)) };
}

/** A transposition at the end is written anew by the runtime's optimiser and loses its place; a Concat of one is not. */
function isReplaced(node: Node, maker: ReadonlyMap<string, Node>): boolean {
  if (node.domain !== "") return false;
  return (
    node.operator === "Transpose" ||
    (node.operator === "Reshape" && maker.get(node.inputs[0] ?? "")?.operator === "Transpose")
  );
}
