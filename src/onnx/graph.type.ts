/** Element types that vision encoders contain; int4, float8, strings and complex numbers are refused when read. */
export type ElementType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool";

/** A size, or the name of a size that is only known when the graph runs ("batch"). */
export type Dimension = number | string;

export interface TensorType {
  readonly elementType: ElementType;
  readonly shape: readonly Dimension[];
}

/** A constant. `data` is little-endian, row-major, and may be a view into the file that it was read from. */
export interface Tensor {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Integers are plain numbers. The one integer beyond 2^53 that real models hold, INT64_MAX as "until the end", reads
 * as 2^63 and is written back as INT64_MAX.
 */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] };

export interface Node {
  readonly name: string;
  readonly operator: string;
  /** "" is the standard `ai.onnx`. */
  readonly domain: string;
  /** Value names; "" is an optional input that was left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface GraphValue {
  readonly name: string;
  readonly type: TensorType;
}

export interface GraphOutput {
  readonly name: string;
  /** Undefined where the file leaves the rank open; `inferShapes` fills it in. */
  readonly type: TensorType | undefined;
}

/** One graph of an ONNX model. Passes take one and give a new one. */
export interface Graph {
  readonly name: string;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Versions of further operator sets, by domain. */
  readonly otherOpsets: ReadonlyMap<string, number>;
  /** What a caller feeds; initialisers are not repeated here. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphOutput[];
  readonly initialisers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
  /** What is known of values inside the graph; complete after `inferShapes`. */
  readonly valueTypes: ReadonlyMap<string, TensorType>;
}

/** What a file says about a graph besides the graph. */
export interface Model {
  readonly graph: Graph;
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  /** Free key-value pairs. */
  readonly metadata: ReadonlyMap<string, string>;
}
