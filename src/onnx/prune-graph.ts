import type { Graph } from "./graph.type.js";

/**
 * The part of a graph that its outputs need: nodes that reach none are dropped, and weights that nobody reads.
 * Inputs stay, read or not, because callers feed them by name.
 */
export function pruneGraph(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of [...node.inputs, ...capturedNames(node)]) needed.add(name);
    return true;
  });
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  return {
    ...graph,
    nodes: nodes.reverse(),
    initialisers: new Map([...graph.initialisers].filter(([name]) => needed.has(name))),
    valueTypes: new Map([...graph.valueTypes].filter(([name]) => made.has(name))),
  };
}

/** Names that the branches of a control-flow node read from around it (their own ones do no harm here). */
function capturedNames(node: Graph["nodes"][number]): string[] {
  return [...node.attributes.values()].flatMap((attribute) =>
    attribute.kind === "graph"
      ? [
          ...attribute.value.outputs.map(({ name }) => name),
          ...attribute.value.nodes.flatMap((inner) => [...inner.inputs, ...capturedNames(inner)]),
        ]
      : [],
  );
}
