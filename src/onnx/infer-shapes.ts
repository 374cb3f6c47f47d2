import type { Graph, Node, TensorType } from "./graph.type.js";
import { inferNode, type KnownOutput } from "./infer-node.js";
import type { KnownValue } from "./known-value.js";
import { GraphInvalid } from "./onnx.errors.js";
import type { KnownInput } from "./operator-call.js";

/** Everything that is known of a graph's values before it runs. */
export interface InferredValues {
  readonly types: ReadonlyMap<string, TensorType>;
  /** Initialisers, and small values that follow from constants and static shapes. */
  readonly values: ReadonlyMap<string, KnownValue>;
}

/**
 * The same graph with the type of every value in `valueTypes` and of every output. What the file claimed is replaced.
 * Shapes are static once every named size is bound (`bindDimensions`).
 * @throws ShapeUnknown, DynamicControlFlow, QuantisedGraph, GraphInvalid
 */
export function inferShapes(graph: Graph): Graph {
  const { types } = inferValues(graph);
  const outside = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  return {
    ...graph,
    outputs: graph.outputs.map(({ name }) => ({ name, type: types.get(name) })),
    valueTypes: new Map([...types].filter(([name]) => !outside.has(name) && !graph.initialisers.has(name))),
  };
}

/**
 * Types of all values, and the values that are known. Nodes must stand in topological order.
 * @throws ShapeUnknown, DynamicControlFlow, QuantisedGraph, GraphInvalid
 */
export function inferValues(graph: Graph): InferredValues {
  const types = new Map<string, TensorType>(graph.inputs.map(({ name, type }) => [name, type]));
  const values = new Map<string, KnownValue>(graph.initialisers);
  for (const [name, { elementType, shape }] of graph.initialisers) types.set(name, { elementType, shape });
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name): KnownInput | undefined => {
      if (name === "") return undefined;
      const type = types.get(name);
      if (type === undefined) throw new GraphInvalid(graph.name, `"${name}", read by "${node.name}", is nowhere made`);
      return { type, value: values.get(name) };
    });
    const declared = node.domain === "" ? undefined : declaredOutputs(node, graph);
    const outputs = declared ?? inferNode(node, graph.opset, inputs);
    outputs.forEach(({ type, value }, position) => {
      const name = node.outputs[position];
      if (name === undefined || name === "") return;
      types.set(name, type);
      if (value !== undefined) values.set(name, value);
    });
  }
  for (const { name } of graph.outputs) {
    if (!types.has(name)) throw new GraphInvalid(graph.name, `its output "${name}" is nowhere made`);
  }
  return { types, values };
}

/** Operators outside the standard have no rules here; what the graph says of their outputs is believed. */
function declaredOutputs(node: Node, graph: Graph): KnownOutput[] | undefined {
  const types = node.outputs.map(
    (name) => graph.valueTypes.get(name) ?? graph.outputs.find((output) => output.name === name)?.type,
  );
  if (!types.every((type) => type !== undefined)) return undefined;
  return types.map((type) => ({ type, value: undefined }));
}
