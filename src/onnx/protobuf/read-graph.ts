import { elementTypeOfCode } from "../element-types.js";
import type { Attribute, Dimension, Graph, GraphOutput, Node, Tensor, TensorType } from "../graph.type.js";
import { NotAnOnnxModel, OnnxFeatureUnsupported } from "../onnx.errors.js";
import type { ExternalData } from "./external-data.js";
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from "./onnx_pb.js";
import { readTensor } from "./read-tensor.js";

export interface Opsets {
  readonly opset: number;
  readonly otherOpsets: ReadonlyMap<string, number>;
}

/** A graph out of its message. Documentation strings of nodes (stack traces of the exporter) are left behind. */
export function readGraph(message: GraphProto, opsets: Opsets, external: ExternalData): Graph {
  if (message.sparseInitializer.length > 0) {
    throw new OnnxFeatureUnsupported("The graph holds sparse weights. Export it again with dense ones.");
  }
  const initialisers = new Map<string, Tensor>();
  for (const tensor of message.initializer) initialisers.set(tensor.name, readTensor(tensor, external));
  // Models of IR version 3 list their weights among the inputs as well.
  const inputs = message.input.filter(({ name }) => !initialisers.has(name));
  return {
    name: message.name,
    ...opsets,
    inputs: inputs.map((input) => ({ name: input.name, type: requireType(input) })),
    outputs: message.output.map((output): GraphOutput => ({ name: output.name, type: readType(output) })),
    initialisers,
    nodes: message.node.map((node, position) => readNode(node, position, opsets, external)),
    valueTypes: new Map(
      message.valueInfo.flatMap((value) => {
        const type = readType(value);
        return type === undefined ? [] : [[value.name, type] as const];
      }),
    ),
  };
}

function readNode(message: NodeProto, position: number, opsets: Opsets, external: ExternalData): Node {
  return {
    // Names are optional in the format; errors and printouts need one.
    name: message.name === "" ? `${message.opType}_${position}` : message.name,
    operator: message.opType,
    domain: message.domain === "ai.onnx" ? "" : message.domain,
    inputs: message.input,
    outputs: message.output,
    attributes: new Map(
      message.attribute.map((attribute) => [attribute.name, readAttribute(attribute, message, opsets, external)]),
    ),
  };
}

function readAttribute(message: AttributeProto, node: NodeProto, opsets: Opsets, external: ExternalData): Attribute {
  const owner = `attribute "${message.name}" of ${node.opType} "${node.name}"`;
  switch (message.type) {
    case AttributeType.INT:
      return { kind: "int", value: numberOfInteger(message.i, owner) };
    case AttributeType.FLOAT:
      return { kind: "float", value: message.f };
    case AttributeType.STRING:
      return { kind: "string", value: text(message.s) };
    case AttributeType.INTS:
      return { kind: "ints", value: message.ints.map((integer) => numberOfInteger(integer, owner)) };
    case AttributeType.FLOATS:
      return { kind: "floats", value: message.floats };
    case AttributeType.STRINGS:
      return { kind: "strings", value: message.strings.map(text) };
    case AttributeType.TENSOR:
      if (message.t === undefined) throw new NotAnOnnxModel(`the ${owner} has no tensor`);
      return { kind: "tensor", value: readTensor(message.t, external) };
    case AttributeType.GRAPH:
      if (message.g === undefined) throw new NotAnOnnxModel(`the ${owner} has no graph`);
      return { kind: "graph", value: readGraph(message.g, opsets, external) };
    default:
      throw new OnnxFeatureUnsupported(
        `The ${owner} is of type ${AttributeType[message.type] ?? message.type}, which vision encoders do without. ` +
          "Export the model again with the standard operators only.",
      );
  }
}

function requireType(input: ValueInfoProto): TensorType {
  const type = readType(input);
  if (type === undefined) {
    throw new OnnxFeatureUnsupported(
      `The input "${input.name}" has no shape. Export the model again with a sample input, naming only the batch axis.`,
    );
  }
  return type;
}

function readType(message: ValueInfoProto): TensorType | undefined {
  const type = message.type?.value;
  if (type === undefined || type.case === undefined) return undefined;
  if (type.case !== "tensorType") {
    throw new OnnxFeatureUnsupported(
      `"${message.name}" is a ${type.case.replace(/Type$/, "")}, not a tensor. Choose an encoder with tensors only.`,
    );
  }
  if (type.value.shape === undefined) return undefined;
  return {
    elementType: elementTypeOfCode(type.value.elemType, message.name),
    shape: type.value.shape.dim.map(({ value }, axis): Dimension => {
      if (value.case === "dimValue" && value.value >= 0n) return Number(value.value);
      // Some exporters call every open axis "?"; such an axis, like one without a name, gets its own, to be bound by.
      if (value.case === "dimParam" && value.value !== "" && value.value !== "?") return value.value;
      return `${message.name}.${axis}`;
    }),
  };
}

function numberOfInteger(integer: bigint, owner: string): number {
  const number = Number(integer);
  if (Number.isSafeInteger(number) || Math.abs(number) === 2 ** 63) return number;
  throw new OnnxFeatureUnsupported(`The ${owner} is ${integer}, beyond 2^53. Export the model with another value.`);
}

const decoder = new TextDecoder();

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
