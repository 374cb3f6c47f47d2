import { type Attribute, type Graph, GraphBuilder, inferShapes, type Node, type Value } from "../../src/onnx/index.js";

/**
 * A model of the runtime's internal operators (`com.microsoft.nchwc`) in standard ones, for a block of any size: what a
 * processor with blocks of 8 computes can be had on one with blocks of 16, and on one that has neither.
 */
export function withoutInternalOperators(graph: Graph, block: number): Graph {
  const g = new GraphBuilder({ name: graph.name, opset: graph.opset });
  const values = new Map<string, Value>();
  for (const { name, type } of graph.inputs) values.set(name, g.input(name, type.elementType, type.shape));
  for (const [name, tensor] of graph.initialisers) values.set(name, g.initialiser(name, tensor));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name));
    const made =
      node.domain === "com.microsoft.nchwc"
        ? [modelled(g, node, inputs, block)]
        : g.nodes(node.operator, inputs, Object.fromEntries(node.attributes), {
            domain: node.domain,
            outputs: node.outputs.length,
          });
    for (const [at, name] of node.outputs.entries()) {
      const value = made[at];
      if (value) values.set(name, value);
    }
  }
  for (const { name } of graph.outputs) g.output(values.get(name) as Value, `modelled/${name}`);
  const built = g.graph();
  // Under their old names, which inner values may have taken.
  const renamed = new Map(graph.outputs.map(({ name }) => [`modelled/${name}`, name]));
  const taken = (name: string) =>
    renamed.get(name) ?? (graph.outputs.some((output) => output.name === name) ? `inner/${name}` : name);
  return inferShapes({
    ...built,
    nodes: built.nodes.map((node) => ({ ...node, inputs: node.inputs.map(taken), outputs: node.outputs.map(taken) })),
    outputs: built.outputs.map(({ name, type }) => ({ name: taken(name), type })),
    valueTypes: new Map(),
  });
}

const sizesOf = (value: Value) => value.type.shape.map(Number);

function modelled(g: GraphBuilder, node: Node, inputs: readonly (Value | undefined)[], block: number): Value {
  const [x, filter, bias] = inputs;
  if (x === undefined) throw new TypeError(`${node.name} has no input`);
  const channelsLast = numberOf(node.attributes.get("channels_last")) === 1;
  switch (node.operator) {
    case "ReorderInput": {
      const image = channelsLast ? g.transpose(x, [0, 3, 1, 2]) : x;
      const channels = sizesOf(image)[1] ?? 1;
      const missing = Math.ceil(channels / block) * block - channels;
      return inBlocks(g, missing > 0 ? g.pad(image, [0, 0, 0, 0, 0, missing, 0, 0]) : image, block);
    }
    case "ReorderOutput": {
      const image = g.slice(outOfBlocks(g, x, block), [0], [numberOf(node.attributes.get("channels")) ?? 0], [1]);
      return channelsLast ? g.transpose(image, [0, 2, 3, 1]) : image;
    }
    case "Conv":
      return convolution(g, node, x, filter as Value, bias, block);
    case "MaxPool":
    case "AveragePool":
    case "GlobalAveragePool":
      return inBlocks(g, g.node(node.operator, [outOfBlocks(g, x, block)], Object.fromEntries(node.attributes)), block);
    default:
      throw new TypeError(`the internal operator ${node.operator} has no model here`);
  }
}

function convolution(
  g: GraphBuilder,
  node: Node,
  x: Value,
  filter: Value,
  bias: Value | undefined,
  block: number,
): Value {
  const { activation, activation_params: bounds, ...window } = Object.fromEntries(node.attributes);
  const group = numberOf(window.group) ?? 1;
  const [, channels = 1] = sizesOf(x);
  const [outputs = 1, inputs = 1, rows = 1, columns = 1] = sizesOf(filter);
  const isDense = group === 1 && channels >= block;
  const split = isDense
    ? [outputs / block, inputs / block, rows, columns, block, block]
    : [outputs / block, inputs, rows, columns, block];
  const plainFilter = g.reshape(g.transpose(g.reshape(filter, split), isDense ? [0, 5, 1, 4, 2, 3] : [0, 4, 1, 2, 3]), [
    outputs,
    inputs,
    rows,
    columns,
  ]);
  const image = group === 1 && !isDense ? x : outOfBlocks(g, x, block);
  const result = g.node("Conv", [image, plainFilter, bias], window);
  return inBlocks(g, activated(g, result, activation, bounds), block);
}

function activated(g: GraphBuilder, x: Value, activation?: Attribute, bounds?: Attribute): Value {
  if (activation?.kind !== "string") return x;
  if (activation.value === "Relu") return g.relu(x);
  if (activation.value !== "Clip" || bounds?.kind !== "floats") throw new TypeError(`no model of ${activation.value}`);
  return g.clip(x, bounds.value[0], bounds.value[1]);
}

function inBlocks(g: GraphBuilder, image: Value, block: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = sizesOf(image);
  const split = g.reshape(image, [n, channels / block, block, rows, columns]);
  return g.reshape(g.transpose(split, [0, 1, 3, 4, 2]), [n, channels, rows, columns]);
}

function outOfBlocks(g: GraphBuilder, image: Value, block: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = sizesOf(image);
  const split = g.reshape(image, [n, channels / block, rows, columns, block]);
  return g.reshape(g.transpose(split, [0, 1, 4, 2, 3]), [n, channels, rows, columns]);
}

function numberOf(attribute: Attribute | undefined): number | undefined {
  return attribute?.kind === "int" ? attribute.value : undefined;
}
