import { elementTypeOfCode } from "../element-types.js";
import type { ElementType, Tensor } from "../graph.type.js";
import { NotAnOnnxModel, OnnxFeatureUnsupported } from "../onnx.errors.js";
import { bytesPerElement, elementCount } from "../tensor.js";
import type { ExternalData } from "./external-data.js";
import { TensorProto_DataLocation as DataLocation, type TensorProto } from "./onnx_pb.js";

/**
 * A constant out of its message. Raw bytes stay a view into the file; typed fields are packed into bytes.
 * @throws NotAnOnnxModel  when there are more or fewer bytes than the shape needs
 */
export function readTensor(message: TensorProto, external: ExternalData): Tensor {
  const elementType = elementTypeOfCode(message.dataType, message.name);
  if (message.segment !== undefined) {
    throw new OnnxFeatureUnsupported(`"${message.name}" is stored in segments. Save the model again with onnx.save.`);
  }
  const shape = message.dims.map(Number);
  if (shape.some((size) => size < 0)) throw new NotAnOnnxModel(`"${message.name}" has a negative size`);
  const expected = elementCount(shape) * bytesPerElement[elementType];
  const data =
    message.dataLocation === DataLocation.EXTERNAL
      ? external.bytesOf(message, expected)
      : (rawBytes(message, expected) ?? packed(message, elementType));
  if (data.byteLength !== expected) {
    throw new NotAnOnnxModel(
      `"${message.name}" has ${data.byteLength} bytes, ${expected} are needed for ${elementType} [${shape.join(", ")}]`,
    );
  }
  return { elementType, shape, data };
}

function rawBytes(message: TensorProto, expected: number): Uint8Array | undefined {
  return message.rawData.byteLength > 0 || expected === 0 ? message.rawData : undefined;
}

/** Which typed field holds which element type: the comments of TensorProto in onnx.proto. */
function packed(message: TensorProto, elementType: ElementType): Uint8Array {
  switch (elementType) {
    case "float32":
      return bytesOf(Float32Array.from(message.floatData));
    case "float64":
      return bytesOf(Float64Array.from(message.doubleData));
    case "int64":
      return bytesOf(BigInt64Array.from(message.int64Data));
    case "uint64":
      return bytesOf(BigUint64Array.from(message.uint64Data));
    case "uint32":
      return bytesOf(Uint32Array.from(message.uint64Data, Number));
    case "int32":
      return bytesOf(Int32Array.from(message.int32Data));
    case "int16":
      return bytesOf(Int16Array.from(message.int32Data));
    case "uint16":
    case "float16":
    case "bfloat16":
      return bytesOf(Uint16Array.from(message.int32Data));
    case "int8":
      return bytesOf(Int8Array.from(message.int32Data));
    case "uint8":
    case "bool":
      return Uint8Array.from(message.int32Data);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
