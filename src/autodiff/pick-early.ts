import { type Attribute, type Graph, inferShapes, int64List, type Node, pruneGraph } from "../onnx/index.js";
import { elementWise } from "./lowering/lower-element-wise.js";
import { indexNodes, int, ints, type NodeIndex } from "./lowering/node-index.js";

/** Some neighbouring places of one axis. */
interface Selection {
  readonly axis: number;
  readonly start: number;
  readonly length: number;
}

/** What a narrowed node needs of each input; undefined: all of it. */
type Needs = readonly (Selection | undefined)[];

const alsoElementWise: ReadonlySet<string> = new Set(["Identity", "Log", "Pow", "Reciprocal", "Sqrt"]);
const reductions: ReadonlySet<string> = new Set(["ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"]);

/**
 * Moves selections (a token picked out of all) towards the inputs, past every operator that treats the places of an
 * axis apart. A transformer that is read at its class token then computes its last block, forwards and back, for that
 * token only: queries, attention rows, projection and MLP. The values that are `wanted` stay what they are.
 * @param graph static shapes, types of all values known
 */
export function pickEarly(graph: Graph, wanted: readonly string[]): Graph {
  const index = indexNodes(graph);
  const asked = new Map<string, Selection | "all">(wanted.map((name) => [name, "all"]));
  const ask = (name: string, selection: Selection | undefined) => {
    if (name === "") return;
    const before = asked.get(name);
    asked.set(name, selection && (before === undefined || same(before, selection)) ? selection : "all");
  };
  const narrowed = new Map<Node, Needs>();
  const picking = new Map<Node, Selection>();
  for (const node of graph.nodes.toReversed()) {
    const [output = ""] = node.outputs;
    const demand = asked.get(output);
    const isPart = demand !== undefined && demand !== "all" && node.outputs.length === 1;
    const needs = isPart ? neededFor(node, demand, index) : undefined;
    const selection = needs ? undefined : selectionOf(node, index);
    if (needs) narrowed.set(node, needs);
    else for (const name of node.outputs) if (asked.has(name)) asked.set(name, "all");
    if (selection) picking.set(node, selection);
    for (const [position, name] of node.inputs.entries()) {
      ask(name, needs ? needs[position] : position === 0 ? selection : undefined);
    }
  }
  if (narrowed.size === 0) return graph;
  return rebuilt(graph, wanted, { index, asked, narrowed, picking });
}

interface Plan {
  readonly index: NodeIndex;
  readonly asked: ReadonlyMap<string, Selection | "all">;
  readonly narrowed: ReadonlyMap<Node, Needs>;
  readonly picking: ReadonlyMap<Node, Selection>;
}

function rebuilt(graph: Graph, wanted: readonly string[], { index, asked, narrowed, picking }: Plan): Graph {
  const nodes: Node[] = [];
  const initialisers = new Map(graph.initialisers);
  const parts = new Map<string, string>();
  const list = (name: string, values: readonly number[]) => {
    initialisers.set(name, int64List(values));
    return name;
  };
  const read = (name: string, selection: Selection | undefined): string => {
    const demand = asked.get(name);
    const isNarrow = demand !== undefined && demand !== "all" && index.maker(name) !== undefined;
    if (selection === undefined || isNarrow) return name;
    const { axis, start, length } = selection;
    const part = `${name}/${start}+${length} of axis ${axis}`;
    if (!parts.has(part)) {
      const ranges = [
        list(`${part}/start`, [start]),
        list(`${part}/end`, [start + length]),
        list(`${part}/axis`, [axis]),
      ];
      nodes.push(nodeOf("Slice", part, [name, ...ranges], part));
      parts.set(part, part);
    }
    return part;
  };
  for (const node of graph.nodes) {
    const [output = ""] = node.outputs;
    const needs = narrowed.get(node);
    const selection = picking.get(node);
    if (needs) {
      const inputs = node.inputs.map((name, position) => read(name, needs[position]));
      const demand = asked.get(output);
      if (node.operator === "Reshape" && typeof demand === "object") {
        const shape = index.shape(output)?.map((size, axis) => (axis === demand.axis ? demand.length : size)) ?? [];
        inputs[1] = list(`${output}/shape`, shape);
      }
      nodes.push({ ...node, inputs });
    } else if (selection) {
      const part = read(node.inputs[0] ?? "", selection);
      const shape = list(`${output}/shape`, index.shape(output) ?? []);
      nodes.push(nodeOf("Reshape", node.name, [part, shape], output));
    } else {
      nodes.push(node);
    }
  }
  const outputs = wanted.map((name) => ({ name, type: index.type(name) }));
  return inferShapes(pruneGraph({ ...graph, nodes, initialisers, outputs, valueTypes: new Map() }));
}

function nodeOf(operator: string, name: string, inputs: readonly string[], output: string): Node {
  return { name, operator, domain: "", inputs, outputs: [output], attributes: new Map<string, Attribute>() };
}

/** Gather of one place, or Slice of neighbouring ones. */
function selectionOf(node: Node, index: NodeIndex): Selection | undefined {
  const shape = index.shape(node.inputs[0] ?? "");
  if (node.domain !== "" || shape === undefined || index.shape(node.outputs[0] ?? "") === undefined) return undefined;
  if (node.operator === "Gather") {
    const places = index.numbers(node.inputs[1])?.map(Number);
    const axis = fromFront(int(node, "axis", 0), shape.length);
    const size = shape[axis] ?? 0;
    const start = places?.length === 1 && size > 1 ? fromFront(places[0] ?? 0, size) : undefined;
    return start === undefined ? undefined : { axis, start, length: 1 };
  }
  if (node.operator !== "Slice") return undefined;
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((at) =>
    index.numbers(node.inputs[at] || undefined)?.map(Number),
  );
  const hasSteps = (node.inputs[4] ?? "") !== "";
  if (starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1 || (hasSteps && steps?.[0] !== 1)) {
    return undefined;
  }
  const axis = fromFront(axes[0] ?? 0, shape.length);
  const size = shape[axis] ?? 0;
  const [start = 0, end = 0] = [starts[0], ends[0]].map((at = 0) => Math.min(size, Math.max(0, fromFront(at, size))));
  return end > start && end - start < size ? { axis, start, length: end - start } : undefined;
}

/** What has to be known of a node's inputs to know the selected places of its output; undefined where that is all. */
function neededFor(node: Node, selection: Selection, index: NodeIndex): Needs | undefined {
  const shape = index.shape(node.outputs[0] ?? "");
  const shapes = node.inputs.map((name) => (name === "" ? [] : index.shape(name)));
  if (node.domain !== "" || shape === undefined || shapes.some((one) => one === undefined)) return undefined;
  const known = shapes as readonly (readonly number[])[];
  const rank = shape.length;
  const [first = []] = known;
  const onlyFirst = (axis = selection.axis): Needs =>
    known.map((_, at) => (at === 0 ? { ...selection, axis } : undefined));
  const broadcast = known.map((one) => alongAxis(one, rank, selection));
  if (elementWise.has(node.operator) || alsoElementWise.has(node.operator)) return broadcast;
  if (reductions.has(node.operator)) {
    const axes = ints(node, "axes") ?? index.numbers(node.inputs[1] || undefined)?.map(Number);
    const isApart = axes?.every((axis) => fromFront(axis, rank) !== selection.axis) && axes.length > 0;
    return isApart && int(node, "keepdims", 1) === 1 ? onlyFirst() : undefined;
  }
  switch (node.operator) {
    case "LayerNormalization":
      return fromFront(int(node, "axis", -1), rank) > selection.axis ? onlyFirst() : undefined;
    case "LogSoftmax":
    case "Softmax":
      return fromFront(int(node, "axis", -1), rank) === selection.axis ? undefined : onlyFirst();
    case "Transpose": {
      const axis = ints(node, "perm")?.[selection.axis];
      return axis === undefined ? undefined : onlyFirst(axis);
    }
    case "Reshape": {
      const axis = sameAxis(shape, selection.axis, first);
      return axis === undefined ? undefined : onlyFirst(axis);
    }
    case "MatMul": {
      if (known.some((one) => one.length < 2)) return undefined;
      // Rows come from the left factor, columns from the right one, batches from both.
      if (selection.axis === rank - 2) return [broadcast[0], undefined];
      return selection.axis === rank - 1 ? [undefined, broadcast[1]] : broadcast;
    }
    case "Gemm": {
      if (selection.axis !== 0) return undefined;
      return [{ ...selection, axis: int(node, "transA", 0) === 1 ? 1 : 0 }, undefined, broadcast[2]];
    }
    default:
      return undefined;
  }
}

/** The selection as seen by an operand that is broadcast to `rank` axes. */
function alongAxis(shape: readonly number[], rank: number, selection: Selection): Selection | undefined {
  const axis = selection.axis - (rank - shape.length);
  return axis < 0 || shape[axis] === 1 ? undefined : { ...selection, axis };
}

/** The axis of another shape of the same elements that runs over the same places. */
function sameAxis(shape: readonly number[], axis: number, other: readonly number[]): number | undefined {
  const before = product(shape.slice(0, axis));
  const found = other.findIndex((size, at) => size === shape[axis] && product(other.slice(0, at)) === before);
  return found < 0 ? undefined : found;
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

const fromFront = (at: number, size: number) => (at < 0 ? at + size : at);

function same(a: Selection | "all", b: Selection): boolean {
  return a !== "all" && a.axis === b.axis && a.start === b.start && a.length === b.length;
}
