import type { Graph, Node } from "../../onnx/index.js";

/** Nodes that read values under their new names. Chains are followed: a → b → c reads c. */
export function readingInstead(nodes: readonly Node[], replacements: ReadonlyMap<string, string>): Node[] {
  return nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => finalName(name, replacements)) }));
}

function finalName(name: string, replacements: ReadonlyMap<string, string>): string {
  let current = name;
  for (let next = replacements.get(current); next !== undefined; next = replacements.get(current)) current = next;
  return current;
}

/** How often every value is read; being an output of the graph counts as well. */
export function countReaders(graph: Graph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const names = [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ name }) => name)];
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Gives names that no value of the graph has, and none twice. */
export function namesBeside(graph: Graph): (wanted: string) => string {
  const taken = new Set([...graph.initialisers.keys(), ...graph.inputs.map(({ name }) => name)]);
  for (const { outputs } of graph.nodes) for (const name of outputs) taken.add(name);
  return (wanted) => {
    let name = wanted;
    for (let number = 1; taken.has(name); number++) name = `${wanted}_${number}`;
    taken.add(name);
    return name;
  };
}
