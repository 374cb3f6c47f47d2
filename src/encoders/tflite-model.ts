import { ByteBuffer } from "flatbuffers";
import { EncoderBroken } from "./encoder-errors.js";

/** Element types of TFLite tensors that the converter reads (enum TensorType of the public schema). */
const TENSOR_TYPES = { 0: "float32", 1: "float16", 2: "int32" } as const;

/** A tensor of the graph; `buffer` 0 means that its value is computed. */
export interface TfliteTensor {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: "float32" | "float16" | "int32" | "other";
  readonly buffer: number;
}

export type TfliteActivation = "none" | "relu6";

/** The operators of a MobileNetV2 trunk; anything else stays `other` and may not be reached. */
export type TfliteOperator =
  | {
      readonly kind: "conv" | "depthwise-conv";
      readonly inputs: readonly number[];
      readonly output: number;
      readonly stride: number;
      readonly activation: TfliteActivation;
    }
  | {
      readonly kind: "add";
      readonly inputs: readonly number[];
      readonly output: number;
      readonly activation: TfliteActivation;
    }
  | { readonly kind: "dequantize"; readonly inputs: readonly number[]; readonly output: number }
  | { readonly kind: "other"; readonly code: number; readonly inputs: readonly number[]; readonly output: number };

export interface TfliteModel {
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  /** Values of a constant tensor (float16 or float32), widened to float32. */
  constant(tensor: TfliteTensor): Float32Array;
}

/** Field numbers of the tables that are read, as in tensorflow/lite/schema/schema.fbs (version 3). */
const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4 } as const;
const OPERATOR_CODE = { deprecatedBuiltinCode: 0, builtinCode: 3 } as const;
const SUBGRAPH = { tensors: 0, inputs: 1, operators: 3 } as const;
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3 } as const;
const OPERATOR = { opcodeIndex: 0, inputs: 1, outputs: 2, options: 4 } as const;
const BUFFER = { data: 0 } as const;
const CONV_OPTIONS = { padding: 0, strideW: 1, strideH: 2, activation: 3, dilationW: 4, dilationH: 5 } as const;
const DEPTHWISE_OPTIONS = {
  padding: 0,
  strideW: 1,
  strideH: 2,
  depthMultiplier: 3,
  activation: 4,
  dilationW: 5,
  dilationH: 6,
} as const;
const ADD_OPTIONS = { activation: 0 } as const;
const BUILTIN = { add: 0, conv: 3, depthwiseConv: 4, dequantize: 6 } as const;

/** Reads fields of flatbuffer tables by number; a table is its position in the buffer. */
class TableReader {
  constructor(private readonly bytes: ByteBuffer) {}

  private at(table: number, field: number): number {
    const offset = this.bytes.__offset(table, 4 + 2 * field);
    return offset === 0 ? 0 : table + offset;
  }

  int8(table: number, field: number, fallback: number): number {
    const at = this.at(table, field);
    return at === 0 ? fallback : this.bytes.readInt8(at);
  }

  int32(table: number, field: number, fallback: number): number {
    const at = this.at(table, field);
    return at === 0 ? fallback : this.bytes.readInt32(at);
  }

  table(table: number, field: number): number {
    const at = this.at(table, field);
    return at === 0 ? 0 : this.bytes.__indirect(at);
  }

  string(table: number, field: number): string {
    const at = this.at(table, field);
    return at === 0 ? "" : String(this.bytes.__string(at));
  }

  private vector(table: number, field: number): { start: number; length: number } {
    const at = this.at(table, field);
    return at === 0 ? { start: 0, length: 0 } : { start: this.bytes.__vector(at), length: this.bytes.__vector_len(at) };
  }

  tables(table: number, field: number): number[] {
    const { start, length } = this.vector(table, field);
    return Array.from({ length }, (_, index) => this.bytes.__indirect(start + 4 * index));
  }

  integers(table: number, field: number): number[] {
    const { start, length } = this.vector(table, field);
    return Array.from({ length }, (_, index) => this.bytes.readInt32(start + 4 * index));
  }

  raw(table: number, field: number): Uint8Array {
    const { start, length } = this.vector(table, field);
    return this.bytes.bytes().subarray(start, start + length);
  }
}

/** IEEE 754 binary16 → number. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function activationOf(value: number, operator: number): TfliteActivation {
  if (value === 0) return "none";
  if (value === 3) return "relu6";
  throw new EncoderBroken(`TFLite operator ${operator} has activation ${value}; only none and relu6 are converted.`);
}

function requireOne(value: number, what: string, operator: number): void {
  if (value !== 1) throw new EncoderBroken(`TFLite operator ${operator} has ${what} ${value}; only 1 is converted.`);
}

/**
 * Reads the tables of a TFLite flatbuffer (file identifier TFL3) that a float convolutional trunk needs.
 * @throws EncoderBroken when the bytes are no TFLite model or use an option that is not converted
 */
export function readTfliteModel(file: Uint8Array): TfliteModel {
  const bytes = new ByteBuffer(file);
  if (file.length < 8 || !bytes.__has_identifier("TFL3")) {
    throw new EncoderBroken("The bytes are no TFLite model (identifier TFL3 missing).");
  }
  const reader = new TableReader(bytes);
  const model = bytes.__indirect(0);
  // Codes up to 127 may stand in the old one-byte field only; the greater of the two is the code.
  const codes = reader
    .tables(model, MODEL.operatorCodes)
    .map((code) =>
      Math.max(
        reader.int8(code, OPERATOR_CODE.deprecatedBuiltinCode, 0),
        reader.int32(code, OPERATOR_CODE.builtinCode, 0),
      ),
    );
  const buffers = reader.tables(model, MODEL.buffers);
  const [graph] = reader.tables(model, MODEL.subgraphs);
  if (graph === undefined) throw new EncoderBroken("The TFLite model holds no graph.");

  const tensors = reader.tables(graph, SUBGRAPH.tensors).map((table, index): TfliteTensor => {
    const type = reader.int8(table, TENSOR.type, 0);
    return {
      index,
      name: reader.string(table, TENSOR.name),
      shape: reader.integers(table, TENSOR.shape),
      type: type in TENSOR_TYPES ? TENSOR_TYPES[type as keyof typeof TENSOR_TYPES] : "other",
      buffer: reader.int32(table, TENSOR.buffer, 0),
    };
  });

  const operators = reader
    .tables(graph, SUBGRAPH.operators)
    .map((table, index) => readOperator(reader, table, index, codes));

  return {
    tensors,
    operators,
    inputs: reader.integers(graph, SUBGRAPH.inputs),
    constant(tensor) {
      const buffer = buffers[tensor.buffer];
      const data = buffer === undefined ? new Uint8Array() : reader.raw(buffer, BUFFER.data);
      return widen(tensor, data);
    },
  };
}

function readOperator(reader: TableReader, table: number, index: number, codes: readonly number[]): TfliteOperator {
  const code = codes[reader.int32(table, OPERATOR.opcodeIndex, 0)] ?? -1;
  const inputs = reader.integers(table, OPERATOR.inputs);
  const output = reader.integers(table, OPERATOR.outputs)[0] ?? -1;
  const options = reader.table(table, OPERATOR.options);
  switch (code) {
    case BUILTIN.conv:
    case BUILTIN.depthwiseConv: {
      const depthwise = code === BUILTIN.depthwiseConv;
      const field = depthwise ? DEPTHWISE_OPTIONS : CONV_OPTIONS;
      if (depthwise) requireOne(reader.int32(options, DEPTHWISE_OPTIONS.depthMultiplier, 0), "depth multiplier", index);
      requireOne(reader.int32(options, field.dilationW, 1), "dilation", index);
      requireOne(reader.int32(options, field.dilationH, 1), "dilation", index);
      const stride = reader.int32(options, field.strideH, 0);
      if (stride !== reader.int32(options, field.strideW, 0) || reader.int8(options, field.padding, 0) !== 0) {
        throw new EncoderBroken(`TFLite operator ${index} is not a convolution with square stride and SAME padding.`);
      }
      const activation = activationOf(reader.int8(options, field.activation, 0), index);
      return { kind: depthwise ? "depthwise-conv" : "conv", inputs, output, stride, activation };
    }
    case BUILTIN.add:
      return {
        kind: "add",
        inputs,
        output,
        activation: activationOf(reader.int8(options, ADD_OPTIONS.activation, 0), index),
      };
    case BUILTIN.dequantize:
      return { kind: "dequantize", inputs, output };
    default:
      return { kind: "other", code, inputs, output };
  }
}

function widen(tensor: TfliteTensor, data: Uint8Array): Float32Array {
  const count = tensor.shape.reduce((product, side) => product * side, 1);
  const width = tensor.type === "float16" ? 2 : 4;
  if ((tensor.type !== "float16" && tensor.type !== "float32") || data.length !== count * width) {
    throw new EncoderBroken(
      `TFLite tensor ${tensor.index} ("${tensor.name}") holds no constant of float16 or float32.`,
    );
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Float32Array.from({ length: count }, (_, index) =>
    width === 2 ? halfToNumber(view.getUint16(2 * index, true)) : view.getFloat32(4 * index, true),
  );
}
