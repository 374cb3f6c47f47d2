import { create } from "@bufbuild/protobuf";
import { codeOfElementType } from "../element-types.js";
import type { Attribute, Graph, Node, Tensor, TensorType } from "../graph.type.js";
import { integerToInt64 } from "../number-formats.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** Turns one constant into its message: with its bytes inside, or with a note of where they lie. */
export type TensorWriter = (name: string, tensor: Tensor) => TensorProto;

/** Weights inside the model, as raw little-endian bytes (no copy is made here). */
export const insideModel: TensorWriter = (name, tensor) =>
  create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: codeOfElementType(tensor.elementType),
    rawData: tensor.data as Uint8Array<ArrayBuffer>,
  });

/** A graph as its message. */
export function writeGraph(graph: Graph, writeInitialiser: TensorWriter): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    input: graph.inputs.map(({ name, type }) => writeValue(name, type)),
    output: graph.outputs.map(({ name, type }) => writeValue(name, type)),
    initializer: [...graph.initialisers].map(([name, tensor]) => writeInitialiser(name, tensor)),
    node: graph.nodes.map(writeNode),
    valueInfo: [...graph.valueTypes].map(([name, type]) => writeValue(name, type)),
  });
}

function writeNode(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.operator,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes].map(([name, attribute]) => writeAttribute(name, attribute)),
  });
}

function writeAttribute(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.kind) {
    case "int":
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: integerToInt64(attribute.value) });
    case "float":
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.value });
    case "string":
      return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8(attribute.value) });
    case "ints":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.INTS,
        ints: attribute.value.map(integerToInt64),
      });
    case "floats":
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...attribute.value] });
    case "strings":
      return create(AttributeProtoSchema, { name, type: AttributeType.STRINGS, strings: attribute.value.map(utf8) });
    case "tensor":
      return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: insideModel("", attribute.value) });
    case "graph":
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.GRAPH,
        g: writeGraph(attribute.value, insideModel),
      });
  }
}

function writeValue(name: string, type: TensorType | undefined): ValueInfoProto {
  if (type === undefined) return create(ValueInfoProtoSchema, { name });
  const dim = type.shape.map((size) => ({
    value:
      typeof size === "number"
        ? ({ case: "dimValue", value: BigInt(size) } as const)
        : ({ case: "dimParam", value: size } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: { case: "tensorType", value: { elemType: codeOfElementType(type.elementType), shape: { dim } } },
    },
  });
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
