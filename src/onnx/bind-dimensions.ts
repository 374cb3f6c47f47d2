import type { Dimension, Graph, TensorType } from "./graph.type.js";
import { GraphInvalid } from "./onnx.errors.js";

/**
 * The same graph with named sizes of its inputs replaced by numbers, for example `{ batch: 32 }`. What was inferred
 * with open sizes is dropped: call `inferShapes` on the result.
 * @throws GraphInvalid  for a name that no input has
 */
export function bindDimensions(graph: Graph, sizes: Readonly<Record<string, number>>): Graph {
  const open = openDimensions(graph);
  for (const name of Object.keys(sizes)) {
    if (!open.includes(name)) {
      throw new GraphInvalid(graph.name, `no input has a size called "${name}"; it has ${open.join(", ") || "none"}`);
    }
  }
  const bind = (size: Dimension): Dimension => (typeof size === "string" ? (sizes[size] ?? size) : size);
  const bindType = (type: TensorType): TensorType => ({ ...type, shape: type.shape.map(bind) });
  return {
    ...graph,
    inputs: graph.inputs.map(({ name, type }) => ({ name, type: bindType(type) })),
    outputs: graph.outputs.map(({ name, type }) => ({ name, type: type && bindType(type) })),
    valueTypes: new Map(),
  };
}

/** Names of the sizes of inputs that are open, in order of appearance. */
export function openDimensions(graph: Graph): string[] {
  const sizes = graph.inputs.flatMap(({ type }) => type.shape);
  return [...new Set(sizes.filter((size): size is string => typeof size === "string"))];
}
