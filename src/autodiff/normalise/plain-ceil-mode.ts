import type { Attribute, Graph, Node, TensorType } from "../../onnx/index.js";

/**
 * The same graph with `ceil_mode` gone from poolings whose windows come out the same without it. The runtime refuses
 * some of them as they are: it leaves out a last window that would start behind the image when it runs, and counts it
 * when it checks shapes.
 * @param graph types of all values known
 */
export function plainCeilMode(graph: Graph): Graph {
  const types = new Map<string, TensorType>(graph.valueTypes);
  for (const { name, type } of [...graph.inputs, ...graph.outputs]) if (type) types.set(name, type);
  const nodes = graph.nodes.map((node) => {
    const isPool = node.operator === "AveragePool" || node.operator === "MaxPool";
    if (!isPool || node.domain !== "" || !isSameWithout(node, types)) return node;
    const attributes = new Map([...node.attributes].filter(([name]) => name !== "ceil_mode"));
    return { ...node, attributes };
  });
  return { ...graph, nodes };
}

function isSameWithout(node: Node, types: ReadonlyMap<string, TensorType>): boolean {
  const mode = node.attributes.get("ceil_mode");
  const automatic = node.attributes.get("auto_pad");
  const input = types.get(node.inputs[0] ?? "")?.shape.slice(2);
  const output = types.get(node.outputs[0] ?? "")?.shape.slice(2);
  const kernel = ints(node.attributes.get("kernel_shape"));
  if (mode?.kind !== "int" || mode.value !== 1 || input === undefined || kernel === undefined) return false;
  if (automatic?.kind === "string" && automatic.value !== "NOTSET") return false;
  const [strides, dilations, pads] = ["strides", "dilations", "pads"].map((name) => ints(node.attributes.get(name)));
  return kernel.every((size, axis) => {
    const reach = (size - 1) * (dilations?.[axis] ?? 1) + 1;
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + kernel.length] ?? 0);
    return Math.floor((Number(input[axis]) + padding - reach) / (strides?.[axis] ?? 1)) + 1 === output?.[axis];
  });
}

function ints(attribute: Attribute | undefined): readonly number[] | undefined {
  return attribute?.kind === "ints" ? attribute.value : undefined;
}
