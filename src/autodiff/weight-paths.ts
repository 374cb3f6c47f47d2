import type { Graph, Node } from "../onnx/index.js";

/** Every value that depends on one of `names`, with the node that carried the dependence there. */
export function valuesReachedFrom(graph: Graph, names: readonly string[]): Map<string, Node | undefined> {
  const reached = new Map<string, Node | undefined>(names.map((name) => [name, undefined]));
  const nodeOf = new Map<string, Node>();
  for (const node of graph.nodes) {
    const source = node.inputs.find((name) => reached.has(name));
    if (source === undefined) continue;
    for (const output of node.outputs) {
      if (output === "" || reached.has(output)) continue;
      reached.set(output, nodeOf.get(source));
      nodeOf.set(output, node);
    }
  }
  return reached;
}

/** Names of the nodes from the trainable weight to `node`, without it. */
export function pathTo(node: Node, reachedFrom: ReadonlyMap<string, Node | undefined>): string[] {
  const output = node.outputs.find((name) => reachedFrom.has(name));
  const path: string[] = [];
  let before = output === undefined ? undefined : reachedFrom.get(output);
  while (before !== undefined && path.length < 64) {
    path.unshift(`${before.operator} "${before.name}"`);
    const previous: string | undefined = before.outputs.find((name) => reachedFrom.has(name));
    before = previous === undefined ? undefined : reachedFrom.get(previous);
  }
  return path;
}
