import { attribute, attributes } from "./attributes.js";
import { gelu, layerNormalization } from "./composites.js";
import { codeOfElementType } from "./element-types.js";
import type { Attribute, Dimension, ElementType, Graph, Tensor } from "./graph.type.js";
import { type AssemblyOptions, GraphAssembly, type NodeOptions, type Value } from "./graph-assembly.js";
import { reduce } from "./reductions.js";
import { float32Tensor, int64List, int64Tensor, tensorFromNumbers } from "./tensor.js";
import { averagePool, conv, maxPool } from "./window-operators.js";
import type { ConvSettings, PoolSettings } from "./window-settings.js";

/** A value, or a number that becomes a constant of the other operand's element type. */
export type Operand = Value | number;

/**
 * Builds a graph operator by operator. Every method checks shapes at once, gives the new value, and takes as its last
 * argument the wanted name of the node and of its output. Written for operator sets 13 to 21: where an operator
 * changed its form, the one of this graph's version is emitted.
 */
export class GraphBuilder {
  private readonly assembly: GraphAssembly;

  constructor(options: AssemblyOptions | GraphAssembly = {}) {
    this.assembly = options instanceof GraphAssembly ? options : new GraphAssembly(options);
  }

  /** Goes on building where a graph ends. */
  static from(graph: Graph): GraphBuilder {
    return new GraphBuilder(GraphAssembly.from(graph));
  }

  get opset(): number {
    return this.assembly.opset;
  }

  input(name: string, elementType: ElementType, shape: readonly Dimension[]): Value {
    return this.assembly.input(name, { elementType, shape });
  }

  /** A weight under its own name. */
  initialiser(name: string, tensor: Tensor): Value {
    return this.assembly.initialiser(name, tensor);
  }

  /** A constant; equal ones become one. */
  constant(tensor: Tensor): Value {
    return this.assembly.constant(tensor);
  }

  scalar(value: number, elementType: ElementType = "float32"): Value {
    return this.constant(tensorFromNumbers(elementType, [], [value]));
  }

  floats(shape: readonly number[], values: readonly number[] | Float32Array): Value {
    return this.constant(float32Tensor(shape, values));
  }

  int64s(values: readonly number[]): Value {
    return this.constant(int64List(values));
  }

  /** Declares outputs. A value gets the name given by an Identity node where its own differs. */
  output(value: Value, name: string = value.name): void {
    this.assembly.output(value.name === name ? value : this.identity(value, name));
  }

  value(name: string): Value {
    return this.assembly.value(name);
  }

  knownValue(value: Value): Tensor | undefined {
    return this.assembly.knownValue(value);
  }

  useOperatorSet(domain: string, version: number): void {
    this.assembly.useOperatorSet(domain, version);
  }

  graph(): Graph {
    return this.assembly.graph();
  }

  /** Any operator; the methods below are for the usual ones. */
  nodes(
    operator: string,
    inputs: readonly (Value | undefined)[],
    settings: Readonly<Record<string, Attribute | undefined>> = {},
    options: NodeOptions = {},
  ): Value[] {
    return this.assembly.node(operator, inputs, attributes(settings), options);
  }

  /** Any operator with one output. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    settings: Readonly<Record<string, Attribute | undefined>> = {},
    options: NodeOptions | string | undefined = {},
  ): Value {
    return this.nodes(
      operator,
      inputs,
      settings,
      typeof options === "string" ? { name: options } : options,
    )[0] as Value;
  }

  // Element by element, with broadcasting.
  add = (a: Operand, b: Operand, name?: string) => this.binary("Add", a, b, name);
  sub = (a: Operand, b: Operand, name?: string) => this.binary("Sub", a, b, name);
  mul = (a: Operand, b: Operand, name?: string) => this.binary("Mul", a, b, name);
  div = (a: Operand, b: Operand, name?: string) => this.binary("Div", a, b, name);
  pow = (a: Operand, b: Operand, name?: string) => this.binary("Pow", a, b, name);
  max = (a: Operand, b: Operand, name?: string) => this.binary("Max", a, b, name);
  min = (a: Operand, b: Operand, name?: string) => this.binary("Min", a, b, name);
  equal = (a: Operand, b: Operand, name?: string) => this.binary("Equal", a, b, name);
  greater = (a: Operand, b: Operand, name?: string) => this.binary("Greater", a, b, name);
  greaterOrEqual = (a: Operand, b: Operand, name?: string) => this.binary("GreaterOrEqual", a, b, name);
  less = (a: Operand, b: Operand, name?: string) => this.binary("Less", a, b, name);
  lessOrEqual = (a: Operand, b: Operand, name?: string) => this.binary("LessOrEqual", a, b, name);
  and = (a: Value, b: Value, name?: string) => this.binary("And", a, b, name);
  or = (a: Value, b: Value, name?: string) => this.binary("Or", a, b, name);
  not = (x: Value, name?: string) => this.node("Not", [x], {}, name);
  where = (condition: Value, a: Operand, b: Operand, name?: string) =>
    this.node("Where", [condition, ...this.operands(a, b)], {}, name);

  neg = (x: Value, name?: string) => this.node("Neg", [x], {}, name);
  abs = (x: Value, name?: string) => this.node("Abs", [x], {}, name);
  sqrt = (x: Value, name?: string) => this.node("Sqrt", [x], {}, name);
  reciprocal = (x: Value, name?: string) => this.node("Reciprocal", [x], {}, name);
  exp = (x: Value, name?: string) => this.node("Exp", [x], {}, name);
  log = (x: Value, name?: string) => this.node("Log", [x], {}, name);
  erf = (x: Value, name?: string) => this.node("Erf", [x], {}, name);
  tanh = (x: Value, name?: string) => this.node("Tanh", [x], {}, name);
  sigmoid = (x: Value, name?: string) => this.node("Sigmoid", [x], {}, name);
  softplus = (x: Value, name?: string) => this.node("Softplus", [x], {}, name);
  relu = (x: Value, name?: string) => this.node("Relu", [x], {}, name);
  hardSwish = (x: Value, name?: string) => this.node("HardSwish", [x], {}, name);
  identity = (x: Value, name?: string) => this.node("Identity", [x], {}, name);
  hardSigmoid = (x: Value, alpha = 0.2, beta = 0.5, name?: string) =>
    this.node("HardSigmoid", [x], { alpha: attribute.float(alpha), beta: attribute.float(beta) }, name);
  leakyRelu = (x: Value, alpha = 0.01, name?: string) =>
    this.node("LeakyRelu", [x], { alpha: attribute.float(alpha) }, name);

  /** Either bound may be left open. */
  clip(x: Value, low?: number, high?: number, name?: string): Value {
    const bound = (value?: number) => (value === undefined ? undefined : this.scalar(value, x.type.elementType));
    return this.node("Clip", [x, bound(low), bound(high)], {}, name);
  }

  cast(x: Value, to: ElementType, name?: string): Value {
    return this.node("Cast", [x], { to: attribute.int(codeOfElementType(to)) }, name);
  }

  softmax = (x: Value, axis = -1, name?: string) => this.node("Softmax", [x], { axis: attribute.int(axis) }, name);

  // Matrices and images.
  matMul = (a: Value, b: Value, name?: string) => this.node("MatMul", [a, b], {}, name);

  /** a · b + bias, with either matrix transposed on request. */
  gemm(a: Value, b: Value, bias?: Value, settings: { transA?: boolean; transB?: boolean; name?: string } = {}): Value {
    const { transA = false, transB = false, name } = settings;
    return this.node("Gemm", [a, b, bias], { transA: attribute.flag(transA), transB: attribute.flag(transB) }, name);
  }

  /** [N, C, H, W] ∗ [M, C / group, h, w] (+ [M]) → [N, M, …]. */
  conv = (image: Value, filters: Value, bias?: Value, settings: ConvSettings = {}) =>
    conv(this, image, filters, bias, settings);
  averagePool = (image: Value, settings: PoolSettings) => averagePool(this, image, settings);
  maxPool = (image: Value, settings: PoolSettings) => maxPool(this, image, settings);
  globalAveragePool = (image: Value, name?: string) => this.node("GlobalAveragePool", [image], {}, name);
  globalMaxPool = (image: Value, name?: string) => this.node("GlobalMaxPool", [image], {}, name);

  /** Normalises over the axes from `axis` on, then scales and shifts. */
  layerNormalization(x: Value, scale: Value, bias?: Value, axis = -1, epsilon = 1e-5, name?: string): Value {
    return layerNormalization(this, x, scale, bias, { axis, epsilon, name });
  }

  /** x · Φ(x), exactly (with the error function). */
  gelu = (x: Value, name?: string) => gelu(this, x, name);

  // Reductions. No axes: all.
  reduceMean = (x: Value, axes?: readonly number[], keep = true, name?: string) =>
    reduce(this, "ReduceMean", x, { axes, keep, name });
  reduceSum = (x: Value, axes?: readonly number[], keep = true, name?: string) =>
    reduce(this, "ReduceSum", x, { axes, keep, name });
  reduceMax = (x: Value, axes?: readonly number[], keep = true, name?: string) =>
    reduce(this, "ReduceMax", x, { axes, keep, name });
  reduceMin = (x: Value, axes?: readonly number[], keep = true, name?: string) =>
    reduce(this, "ReduceMin", x, { axes, keep, name });
  reduceL2 = (x: Value, axes?: readonly number[], keep = true, name?: string) =>
    reduce(this, "ReduceL2", x, { axes, keep, name });

  // Layout.
  /** One size may be −1 (what remains); 0 keeps the axis. */
  reshape = (x: Value, shape: readonly number[], name?: string) =>
    this.node("Reshape", [x, this.int64s(shape)], {}, name);
  flatten = (x: Value, axis = 1, name?: string) => this.node("Flatten", [x], { axis: attribute.int(axis) }, name);
  transpose = (x: Value, order: readonly number[], name?: string) =>
    this.node("Transpose", [x], { perm: attribute.ints(order) }, name);
  squeeze = (x: Value, axes: readonly number[], name?: string) =>
    this.node("Squeeze", [x, this.int64s(axes)], {}, name);
  unsqueeze = (x: Value, axes: readonly number[], name?: string) =>
    this.node("Unsqueeze", [x, this.int64s(axes)], {}, name);
  expand = (x: Value, shape: readonly number[], name?: string) =>
    this.node("Expand", [x, this.int64s(shape)], {}, name);
  concat = (values: readonly Value[], axis: number, name?: string) =>
    this.node("Concat", values, { axis: attribute.int(axis) }, name);

  /** Parts of the given lengths along one axis. */
  split(x: Value, parts: readonly number[], axis: number, name?: string): Value[] {
    const options = { outputs: parts.length, name };
    return this.nodes("Split", [x, this.int64s(parts)], { axis: attribute.int(axis) }, options);
  }

  /** From `starts` up to, without, `ends`, for the axes named. */
  slice(
    x: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps?: readonly number[],
    name?: string,
  ): Value {
    const ranges = [starts, ends, axes, ...(steps === undefined ? [] : [steps])].map((list) => this.int64s(list));
    return this.node("Slice", [x, ...ranges], {}, name);
  }

  gather = (x: Value, indices: Value, axis = 0, name?: string) =>
    this.node("Gather", [x, indices], { axis: attribute.int(axis) }, name);

  /** Fills with a constant. `pads`: before every axis, then after every axis; negative ones cut. */
  pad = (x: Value, pads: readonly number[], fill = 0, name?: string) =>
    this.node("Pad", [x, this.int64s(pads), this.scalar(fill, x.type.elementType)], {}, name);

  /** One element of an axis, which goes. */
  pick = (x: Value, index: number, axis: number, name?: string) =>
    this.gather(x, this.constant(int64Tensor([], [index])), axis, name);

  private binary(operator: string, a: Operand, b: Operand, name?: string): Value {
    return this.node(operator, this.operands(a, b), {}, name);
  }

  private operands(a: Operand, b: Operand): [Value, Value] {
    const elementType =
      typeof a === "object" ? a.type.elementType : typeof b === "object" ? b.type.elementType : "float32";
    const asValue = (operand: Operand) => (typeof operand === "number" ? this.scalar(operand, elementType) : operand);
    return [asValue(a), asValue(b)];
  }
}
