import { type Graph, type GraphValue, type Node, pruneGraph, type TensorType } from "../onnx/index.js";
import { CutUnknown } from "./cut-graph.errors.js";

/** A graph in two: what stays as it is, and what trains. */
export interface CutGraph {
  /**
   * From the graph's inputs to the boundary, then those of the graph's outputs that do not depend on a cut. No nodes
   * where the cut is the input itself.
   */
  readonly trunk: Graph;
  /** From the boundary to those of the graph's outputs that depend on a cut. */
  readonly tail: Graph;
  /**
   * What the tail reads of the trunk, in the trunk's order: the cuts, and earlier values that a later node needs
   * besides (a connection that skips the cut).
   */
  readonly boundary: readonly GraphValue[];
  /** Names of the graph's outputs that do not depend on a cut. */
  readonly frozenOutputs: readonly string[];
}

/**
 * Splits a graph at values. Everything that depends on a cut and is needed for an output is the tail; the rest is the
 * trunk, which can be run once and its results kept. Weights go where they are read.
 * @param graph with the types of all values, as `inferShapes` gives it
 * @throws CutUnknown
 */
export function cutGraph(source: Graph, cuts: readonly string[]): CutGraph {
  const graph = pruneGraph(source);
  const typeOf = typesOf(graph);
  for (const cut of cuts) {
    if (!typeOf.has(cut) || graph.initialisers.has(cut)) {
      throw new CutUnknown(cut, closestNames(cut, graph));
    }
  }

  const fed = new Set(graph.inputs.map(({ name }) => name));
  const changing = new Set<string>();
  const tailNodes: Node[] = [];
  for (const node of graph.nodes) {
    const follows = (values: ReadonlySet<string>) => node.inputs.some((name) => values.has(name));
    const add = (values: Set<string>) => {
      for (const name of node.outputs) if (name !== "") values.add(name);
    };
    if (follows(fed)) add(fed);
    // What follows from weights alone, such as a class token repeated for the batch, goes where it is read.
    const constant = !follows(fed);
    // A cut behind a cut: what makes it is frozen, or it would not be a boundary.
    const frozen = node.outputs.some((name) => cuts.includes(name));
    if (frozen || !(constant || follows(changing) || node.inputs.some((name) => cuts.includes(name)))) continue;
    tailNodes.push(node);
    add(changing);
  }
  const outputs = graph.outputs.filter(({ name }) => changing.has(name));
  const frozen = graph.outputs.filter(({ name }) => !changing.has(name));
  const needed = pruneGraph({ ...graph, nodes: tailNodes, outputs }).nodes;
  const read = new Set(needed.flatMap(({ inputs }) => inputs));
  const boundary = [...typeOf]
    .filter(([name]) => read.has(name) && !changing.has(name) && !graph.initialisers.has(name))
    .map(([name, type]): GraphValue => ({ name, type }));
  const trunkOutputs = [...boundary, ...frozen.filter(({ name }) => !boundary.some((value) => value.name === name))];
  return {
    trunk: pruneGraph(withTypes({ ...graph, outputs: trunkOutputs }, typeOf)),
    tail: pruneGraph(withTypes({ ...graph, inputs: boundary, nodes: needed, outputs }, typeOf)),
    boundary,
    frozenOutputs: frozen.map(({ name }) => name),
  };
}

/** Types of inputs, constants and all values, in the order in which they come about. */
function typesOf(graph: Graph): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  for (const { name, type } of graph.inputs) types.set(name, type);
  for (const [name, { elementType, shape }] of graph.initialisers) types.set(name, { elementType, shape });
  for (const name of graph.nodes.flatMap(({ outputs }) => outputs)) {
    const type = graph.valueTypes.get(name) ?? graph.outputs.find((output) => output.name === name)?.type;
    if (type !== undefined) types.set(name, type);
  }
  return types;
}

/** Outputs that became inner values, and inner values that became outputs, keep their types. */
function withTypes(graph: Graph, types: ReadonlyMap<string, TensorType>): Graph {
  const outside = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const made = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== "" && !outside.has(name));
  return {
    ...graph,
    outputs: graph.outputs.map(({ name }) => ({ name, type: types.get(name) })),
    valueTypes: new Map(
      made.flatMap((name) => {
        const type = types.get(name);
        return type ? [[name, type] as const] : [];
      }),
    ),
  };
}

/** Values of a graph whose names are most like `wanted`. */
export function closestNames(wanted: string, graph: Graph): string[] {
  const names = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return names
    .filter((name) => name !== "")
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 5)
    .map(({ name }) => name);
}

/** Levenshtein 1966: how many letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
