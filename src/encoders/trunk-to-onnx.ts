import type { Attribute, Graph, Model, Node, Tensor, TensorType } from "../onnx/index.js";
import { float32Tensor } from "../onnx/index.js";
import { TRUNK_INPUT, TRUNK_OUTPUT, type TrunkLayer } from "./trunk-layers.js";

/** Raised whenever the written bytes change, so that no cache serves an older conversion. */
export const CONVERTER_VERSION = 1;

/** Conv and Clip are the same from opset 13 on; 17 is what common exporters write today. */
const OPSET = 17;
const IR_VERSION = 8;

const int = (value: number): Attribute => ({ kind: "int", value });
const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });

/**
 * Makes an ONNX model of the trunk: input `pixels` [batch, 3, size, size], output `conv_1` [batch, 1280, …].
 * Every layer is one Conv or Add, named `block_N/ROLE`, with a Clip `…/relu6` behind it where the layer has one; the
 * values between blocks are named `block_N/input`. Types of all values are written, so that a reader knows every
 * shape without inferring it.
 */
export function trunkToOnnx(layers: readonly TrunkLayer[], size: number): Model {
  const initialisers = new Map<string, Tensor>([
    ["relu6/low", float32Tensor([], [0])],
    ["relu6/high", float32Tensor([], [6])],
  ]);
  const valueTypes = new Map<string, TensorType>();
  const nodes: Node[] = [];
  const typeOf = (shape: readonly number[]): TensorType => ({ elementType: "float32", shape: ["batch", ...shape] });

  for (const layer of layers) {
    const linear = layer.relu6 ? `${layer.name}/linear` : layer.output;
    const { convolution } = layer;
    if (convolution === undefined) {
      nodes.push(node("Add", layer.name, layer.inputs, linear));
    } else {
      for (const { name, shape, values } of [convolution.weight, convolution.bias]) {
        initialisers.set(name, float32Tensor(shape, values));
      }
      const inputs = [...layer.inputs, convolution.weight.name, convolution.bias.name];
      const attributes: [string, Attribute][] = [
        ["dilations", ints([1, 1])],
        ["group", int(convolution.group)],
        ["kernel_shape", ints(convolution.kernel)],
        ["pads", ints(convolution.pads)],
        ["strides", ints([convolution.stride, convolution.stride])],
      ];
      nodes.push(node("Conv", layer.name, inputs, linear, attributes));
    }
    if (layer.relu6) {
      valueTypes.set(linear, typeOf(layer.shape));
      nodes.push(node("Clip", `${layer.name}/relu6`, [linear, "relu6/low", "relu6/high"], layer.output));
    }
    if (layer.output !== TRUNK_OUTPUT) valueTypes.set(layer.output, typeOf(layer.shape));
  }

  const graph: Graph = {
    name: "mobilenet-v2",
    opset: OPSET,
    otherOpsets: new Map(),
    inputs: [{ name: TRUNK_INPUT, type: typeOf([3, size, size]) }],
    outputs: [{ name: TRUNK_OUTPUT, type: typeOf(layers.at(-1)?.shape ?? []) }],
    initialisers,
    nodes,
    valueTypes,
  };
  return {
    graph,
    irVersion: IR_VERSION,
    producerName: "lookalike",
    producerVersion: `tflite-converter-${CONVERTER_VERSION}`,
    metadata: new Map(),
  };
}

function node(
  operator: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly [string, Attribute][] = [],
): Node {
  return { name, operator, domain: "", inputs, outputs: [output], attributes: new Map(attributes) };
}
