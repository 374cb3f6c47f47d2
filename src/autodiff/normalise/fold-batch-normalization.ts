import {
  elementCount,
  float32Tensor,
  float32Values,
  type Graph,
  type Node,
  pruneGraph,
  type Tensor,
} from "../../onnx/index.js";
import { countReaders, namesBeside } from "./value-names.js";

/**
 * The same graph with every BatchNormalization of frozen statistics worked into the convolution before it:
 *   γ · (W ∗ x + b − μ) / √(σ² + ε) + β  =  (s · W) ∗ x + (s · (b − μ) + β),  s = γ / √(σ² + ε)
 * Training goes on with the folded weights. One that does not follow a Conv with constant float32 weights that nobody
 * else reads becomes a Mul and an Add: both have gradients, and frozen statistics need no more.
 */
export function foldBatchNormalization(graph: Graph): Graph {
  const readers = countReaders(graph);
  const initialisers = new Map(graph.initialisers);
  const freeName = namesBeside(graph);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const changed = new Map<Node, readonly Node[]>();

  const store = (wanted: string, tensor: Tensor): string => {
    const name = freeName(wanted);
    initialisers.set(name, tensor);
    return name;
  };
  // A weight that only this convolution reads keeps its name: trained weights are found by it.
  const replace = (name: string, tensor: Tensor): string => {
    if (readers.get(name) !== 1) return store(`${name}.folded`, tensor);
    initialisers.set(name, tensor);
    return name;
  };

  for (const node of graph.nodes) {
    const line = straightLine(node, graph.initialisers);
    const [image, result] = [node.inputs[0], node.outputs[0]];
    if (line === undefined || image === undefined || result === undefined) continue;
    const conv = readers.get(image) === 1 ? makers.get(image) : undefined;
    const weights = conv && foldable(conv, graph.initialisers);
    if (conv === undefined || weights === undefined) {
      changed.set(node, scaleAndShift(node, line, rankOf(image, graph), store, freeName));
      continue;
    }
    const [input = "", filtersName = "", biasName = ""] = conv.inputs;
    const filters = replace(filtersName, scaledFilters(weights.filters, line));
    const shifted = shiftedBias(weights.bias, line);
    const bias = biasName === "" ? store(`${filtersName}.bias`, shifted) : replace(biasName, shifted);
    // The normalised value keeps its name: cuts are named by it.
    changed.set(conv, [{ ...conv, inputs: [input, filters, bias], outputs: [result] }]);
    changed.set(node, []);
  }
  const nodes = graph.nodes.flatMap((node) => changed.get(node) ?? [node]);
  return pruneGraph({ ...graph, initialisers, nodes });
}

/** y = scale · x + shift, one pair a channel. */
interface Line {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

function straightLine(node: Node, initialisers: ReadonlyMap<string, Tensor>): Line | undefined {
  if (node.operator !== "BatchNormalization" || node.domain !== "") return undefined;
  const [gamma, beta, mean, variance] = node.inputs.slice(1).map((name) => floatsOf(initialisers.get(name)));
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) return undefined;
  const attribute = node.attributes.get("epsilon");
  const epsilon = attribute?.kind === "float" ? attribute.value : 1e-5;
  const scale = gamma.map((value, channel) => value / Math.sqrt((variance[channel] as number) + epsilon));
  const shift = beta.map((value, channel) => value - (mean[channel] as number) * (scale[channel] as number));
  return { scale, shift };
}

function foldable(conv: Node, initialisers: ReadonlyMap<string, Tensor>) {
  if (conv.operator !== "Conv" || conv.domain !== "") return undefined;
  const filters = initialisers.get(conv.inputs[1] ?? "");
  const biasName = conv.inputs[2] ?? "";
  const bias = biasName === "" ? undefined : floatsOf(initialisers.get(biasName));
  if (filters?.elementType !== "float32" || (biasName !== "" && bias === undefined)) return undefined;
  return { filters, bias };
}

function scaledFilters(filters: Tensor, { scale }: Line): Tensor {
  const perFilter = elementCount(filters.shape.slice(1));
  const values = float32Values(filters).map((value, index) => value * (scale[Math.floor(index / perFilter)] as number));
  return float32Tensor(filters.shape, values);
}

function shiftedBias(bias: Float32Array | undefined, { scale, shift }: Line): Tensor {
  const values = shift.map((value, channel) => value + (bias?.[channel] ?? 0) * (scale[channel] as number));
  return float32Tensor([values.length], values);
}

function scaleAndShift(
  node: Node,
  { scale, shift }: Line,
  rank: number,
  store: (name: string, tensor: Tensor) => string,
  freeName: (wanted: string) => string,
): Node[] {
  const [image = "", result = ""] = [node.inputs[0], node.outputs[0]];
  const shape = [scale.length, ...Array<number>(Math.max(0, rank - 2)).fill(1)];
  const scaled = freeName(`${result}.scaled`);
  const factors = store(`${result}.scale`, float32Tensor(shape, scale));
  const offsets = store(`${result}.shift`, float32Tensor(shape, shift));
  const plain = { domain: "", attributes: new Map() };
  return [
    { ...plain, name: `${node.name}.scale`, operator: "Mul", inputs: [image, factors], outputs: [scaled] },
    { ...plain, name: `${node.name}.shift`, operator: "Add", inputs: [scaled, offsets], outputs: [result] },
  ];
}

function floatsOf(tensor: Tensor | undefined): Float32Array | undefined {
  return tensor?.elementType === "float32" ? float32Values(tensor) : undefined;
}

function rankOf(name: string, graph: Graph): number {
  const type = graph.valueTypes.get(name) ?? graph.inputs.find((input) => input.name === name)?.type;
  return type?.shape.length ?? 4;
}
