import type { ElementType } from "./graph.type.js";
import { OnnxFeatureUnsupported } from "./onnx.errors.js";
import { TensorProto_DataType as DataType } from "./protobuf/onnx_pb.js";

const codes: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int8: DataType.INT8,
  int16: DataType.INT16,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  uint16: DataType.UINT16,
  uint32: DataType.UINT32,
  uint64: DataType.UINT64,
  bool: DataType.BOOL,
};

const names = new Map(Object.entries(codes).map(([name, code]) => [code as number, name as ElementType]));

/** The format's number for an element type (TensorProto.DataType). */
export function codeOfElementType(elementType: ElementType): number {
  return codes[elementType];
}

/** @throws OnnxFeatureUnsupported  for int4, float8, strings and complex numbers */
export function elementTypeOfCode(code: number, owner: string): ElementType {
  const name = names.get(code);
  if (name === undefined) {
    throw new OnnxFeatureUnsupported(
      `"${owner}" holds elements of type ${DataType[code] ?? code}. Use the fp32 or fp16 file of the same model.`,
    );
  }
  return name;
}
