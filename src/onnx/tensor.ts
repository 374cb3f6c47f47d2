import type { ElementType, Tensor } from "./graph.type.js";
import {
  bfloat16FromNumber,
  float16FromNumber,
  integerToInt64,
  numberFromBfloat16,
  numberFromFloat16,
} from "./number-formats.js";
import { OnnxFeatureUnsupported } from "./onnx.errors.js";

/** Bytes of one element. */
export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
};

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A constant of 32-bit floats. The array is taken over, not copied. */
export function float32Tensor(shape: readonly number[], values: Float32Array | readonly number[]): Tensor {
  const array = values instanceof Float32Array ? values : Float32Array.from(values);
  return tensorOver("float32", shape, array);
}

export function int64Tensor(shape: readonly number[], values: BigInt64Array | readonly number[]): Tensor {
  const array = values instanceof BigInt64Array ? values : BigInt64Array.from(values, integerToInt64);
  return tensorOver("int64", shape, array);
}

export function int32Tensor(shape: readonly number[], values: Int32Array | readonly number[]): Tensor {
  return tensorOver("int32", shape, values instanceof Int32Array ? values : Int32Array.from(values));
}

export function boolTensor(shape: readonly number[], values: readonly boolean[]): Tensor {
  return tensorOver("bool", shape, Uint8Array.from(values, Number));
}

/** A one-dimensional int64 constant: axes, shapes, pads. */
export function int64List(values: readonly number[]): Tensor {
  return int64Tensor([values.length], values);
}

/** A constant from numbers, in any element type. Integers are truncated towards zero. */
export function tensorFromNumbers(
  elementType: ElementType,
  shape: readonly number[],
  values: readonly number[],
): Tensor {
  switch (elementType) {
    case "float32":
      return tensorOver(elementType, shape, Float32Array.from(values));
    case "float64":
      return tensorOver(elementType, shape, Float64Array.from(values));
    case "float16":
      return tensorOver(elementType, shape, Uint16Array.from(values, float16FromNumber));
    case "bfloat16":
      return tensorOver(elementType, shape, Uint16Array.from(values, bfloat16FromNumber));
    case "int8":
      return tensorOver(elementType, shape, Int8Array.from(values));
    case "int16":
      return tensorOver(elementType, shape, Int16Array.from(values));
    case "int32":
      return tensorOver(elementType, shape, Int32Array.from(values));
    case "int64":
      return tensorOver(elementType, shape, BigInt64Array.from(values, integerToInt64));
    case "uint8":
      return tensorOver(elementType, shape, Uint8Array.from(values));
    case "uint16":
      return tensorOver(elementType, shape, Uint16Array.from(values));
    case "uint32":
      return tensorOver(elementType, shape, Uint32Array.from(values));
    case "uint64":
      return tensorOver(
        elementType,
        shape,
        BigUint64Array.from(values, (value) => BigInt(Math.trunc(value))),
      );
    case "bool":
      return tensorOver(
        elementType,
        shape,
        Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
      );
  }
}

/**
 * The elements of a float32 constant. A view where the bytes lie on a multiple of four, a copy elsewhere: protobuf puts
 * tensors at any offset of the file.
 */
export function float32Values(tensor: Tensor): Float32Array {
  requireElementType(tensor, "float32");
  const { buffer, offset } = aligned(tensor.data, 4);
  return new Float32Array(buffer, offset, elementCount(tensor.shape));
}

/** The elements of an int64 constant; a view or a copy as in `float32Values`. */
export function int64Values(tensor: Tensor): BigInt64Array {
  requireElementType(tensor, "int64");
  const { buffer, offset } = aligned(tensor.data, 8);
  return new BigInt64Array(buffer, offset, elementCount(tensor.shape));
}

/** The elements as numbers, whatever their type. float16 and bfloat16 are widened; int64 beyond 2^53 loses digits. */
export function numbersOf(tensor: Tensor): number[] {
  const length = elementCount(tensor.shape);
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const read = elementReader(view, tensor.elementType);
  return Array.from({ length }, (_, index) => read(index));
}

/** The same values as float32. A float32 constant is given back as it is. */
export function toFloat32(tensor: Tensor): Tensor {
  if (tensor.elementType === "float32") return tensor;
  const values = new Float32Array(elementCount(tensor.shape));
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const read = elementReader(view, tensor.elementType);
  for (let index = 0; index < values.length; index++) values[index] = read(index);
  return float32Tensor(tensor.shape, values);
}

function elementReader(view: DataView, elementType: ElementType): (index: number) => number {
  switch (elementType) {
    case "float32":
      return (index) => view.getFloat32(index * 4, true);
    case "float64":
      return (index) => view.getFloat64(index * 8, true);
    case "float16":
      return (index) => numberFromFloat16(view.getUint16(index * 2, true));
    case "bfloat16":
      return (index) => numberFromBfloat16(view.getUint16(index * 2, true));
    case "int8":
      return (index) => view.getInt8(index);
    case "int16":
      return (index) => view.getInt16(index * 2, true);
    case "int32":
      return (index) => view.getInt32(index * 4, true);
    case "int64":
      return (index) => Number(view.getBigInt64(index * 8, true));
    case "uint8":
    case "bool":
      return (index) => view.getUint8(index);
    case "uint16":
      return (index) => view.getUint16(index * 2, true);
    case "uint32":
      return (index) => view.getUint32(index * 4, true);
    case "uint64":
      return (index) => Number(view.getBigUint64(index * 8, true));
  }
}

function requireElementType(tensor: Tensor, expected: ElementType): void {
  if (tensor.elementType !== expected) {
    throw new OnnxFeatureUnsupported(
      `A constant of ${tensor.elementType} [${tensor.shape.join(", ")}] stands where ${expected} is needed. ` +
        "Convert it first.",
    );
  }
}

function tensorOver(elementType: ElementType, shape: readonly number[], array: ArrayBufferView): Tensor {
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const expected = elementCount(shape) * bytesPerElement[elementType];
  if (data.byteLength !== expected) {
    throw new RangeError(`${data.byteLength} bytes given for ${elementType} [${shape.join(", ")}], ${expected} needed`);
  }
  return { elementType, shape, data };
}

function aligned(data: Uint8Array, size: number): { buffer: ArrayBufferLike; offset: number } {
  if (data.byteOffset % size === 0) return { buffer: data.buffer, offset: data.byteOffset };
  return { buffer: data.slice().buffer, offset: 0 };
}
