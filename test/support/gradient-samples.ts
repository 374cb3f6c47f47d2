import { attribute, boolTensor, type GraphBuilder, int64Tensor, type Value } from "../../src/onnx/index.js";
import type { GradientCheck } from "./check-gradient.js";

type Case = Omit<GradientCheck, "build"> & {
  readonly build: (inputs: Value[], graph: GraphBuilder) => Value | Value[];
};
const one = (
  shape: readonly number[],
  build: (x: Value, g: GraphBuilder) => Value | Value[],
  more: Partial<Case> = {},
): Case => ({
  inputs: { x: shape },
  build: ([x], g) => build(x as Value, g),
  ...more,
});
const two = (
  a: readonly number[],
  b: readonly number[],
  build: (a: Value, b: Value, g: GraphBuilder) => Value,
  more: Partial<Case> = {},
): Case => ({
  inputs: { a, b },
  build: ([x, y], g) => build(x as Value, y as Value, g),
  ...more,
});
const positive: Partial<Case> = { range: [0.3, 2] };
const int = attribute.int;
const convolution = (
  x: readonly number[],
  w: readonly number[],
  settings: Parameters<GraphBuilder["conv"]>[3],
  bias = true,
): Case => ({
  inputs: { x, w, ...(bias ? { b: [w[0] ?? 1] } : {}) },
  build: ([image, filters, b], g) => g.conv(image as Value, filters as Value, b, settings),
});

/** Samples by operator of its gradient. Every operator with a rule has some; a test sees to it. */
export const gradientSamples: Record<string, Record<string, Case>> = {
  Abs: { plain: one([2, 3], (x, g) => g.abs(x), { avoid: [0] }) },
  Add: {
    broadcast: two([2, 3], [1, 3], (a, b, g) => g.add(a, b)),
    scalar: two([], [4], (a, b, g) => g.add(a, b)),
    "fan-out": one([3], (x, g) => g.add(x, x)),
  },
  AveragePool: {
    overlapping: one([1, 2, 6, 6], (x, g) => g.averagePool(x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })),
    "padding counted": one([1, 2, 5, 5], (x, g) =>
      g.averagePool(x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], countPadding: true }),
    ),
    tiles: one([2, 1, 4, 4], (x, g) => g.averagePool(x, { kernel: [2, 2], strides: [2, 2] })),
    "last stride does not fit": one([1, 1, 6, 5], (x, g) => g.averagePool(x, { kernel: [2, 2], strides: [3, 2] })),
  },
  BatchNormalization: {
    frozen: {
      inputs: { x: [2, 3, 2, 2], scale: [3], shift: [3] },
      build: ([x, scale, shift], g) =>
        g.node("BatchNormalization", [x, scale, shift, g.floats([3], [0.1, -0.2, 0.3]), g.floats([3], [0.5, 1, 2])]),
    },
  },
  Cast: { "float to float": one([3], (x, g) => g.cast(g.mul(g.cast(x, "float64"), 2), "float32")) },
  Clip: {
    "both bounds": one([2, 5], (x, g) => g.clip(x, -1, 1), { avoid: [-1, 1] }),
    "low only": one([5], (x, g) => g.clip(x, 0), { avoid: [0] }),
    "high only": one([5], (x, g) => g.clip(x, undefined, 0.5), { avoid: [0.5] }),
  },
  Concat: {
    axis: two([2, 3], [2, 1], (a, b, g) => g.concat([a, b], 1)),
    "negative axis": two([2, 3], [4, 3], (a, b, g) => g.concat([a, b, a], -2)),
  },
  Conv: {
    pointwise: convolution([2, 3, 4, 4], [5, 3, 1, 1], {}),
    "3 × 3": convolution([2, 3, 5, 5], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }),
    strided: convolution([2, 2, 6, 6], [3, 2, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    "stride leaves a column over": convolution([1, 2, 6, 7], [3, 2, 3, 3], { strides: [2, 3] }),
    "pointwise strided": convolution([1, 3, 5, 6], [2, 3, 1, 1], { strides: [2, 2] }),
    depthwise: convolution([2, 4, 5, 5], [4, 1, 3, 3], { group: 4, strides: [2, 2], pads: [0, 0, 1, 1] }),
    "depth multiplier": convolution([1, 2, 4, 4], [6, 1, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
    grouped: convolution([2, 4, 4, 4], [6, 2, 3, 3], { group: 2, pads: [1, 0, 0, 1] }),
    dilated: convolution([1, 2, 7, 7], [2, 2, 3, 3], { dilations: [2, 2], pads: [1, 2, 2, 1] }),
    "dilated and strided": convolution([1, 2, 8, 8], [2, 2, 2, 3], { dilations: [2, 1], strides: [2, 2] }),
    "same upper": convolution([1, 2, 5, 6], [2, 2, 3, 3], { autoPad: "SAME_UPPER", strides: [2, 2] }),
    "same lower": convolution([1, 1, 6, 6], [2, 1, 4, 4], { autoPad: "SAME_LOWER" }),
    "no bias": convolution([1, 2, 3, 3], [2, 2, 2, 2], {}, false),
    "patches of a transformer": convolution([1, 3, 8, 8], [4, 3, 4, 4], { strides: [4, 4] }),
    "one axis": convolution([2, 3, 7], [2, 3, 3], { pads: [1, 1] }),
  },
  Cos: { plain: one([3], (x, g) => g.node("Cos", [x])) },
  Div: { broadcast: two([2, 3], [3], (a, b, g) => g.div(a, b), positive) },
  Einsum: {
    "matrix product": two([2, 3], [3, 4], (a, b, g) =>
      g.node("Einsum", [a, b], { equation: attribute.text("ij,jk->ik") }),
    ),
    attention: two([2, 3, 4], [2, 5, 4], (a, b, g) =>
      g.node("Einsum", [a, b], { equation: attribute.text("bid,bjd->bij") }),
    ),
    transpose: one([2, 3], (x, g) => g.node("Einsum", [x], { equation: attribute.text("ij->ji") })),
  },
  Elu: { plain: one([6], (x, g) => g.node("Elu", [x], { alpha: attribute.float(0.7) }), { avoid: [0] }) },
  Erf: { plain: one([5], (x, g) => g.erf(x)) },
  Exp: { plain: one([5], (x, g) => g.exp(x)) },
  Expand: { plain: one([3, 1], (x, g) => g.expand(x, [2, 3, 4])) },
  Flatten: { "negative axis": one([2, 3, 4], (x, g) => g.flatten(x, -1)) },
  Gather: {
    "repeated index": one([4, 3], (x, g) => g.gather(x, g.int64s([0, 2, 2, -1]), 0)),
    "scalar index": one([2, 3, 4], (x, g) => g.pick(x, 0, 1)),
    "matrix of indices": one([2, 5], (x, g) => g.gather(x, g.constant(int64Tensor([2, 2], [0, 1, 4, 0])), -1)),
  },
  Gelu: {
    exact: one([6], (x, g) => g.node("Gelu", [x]), { opset: 20 }),
    tanh: one([6], (x, g) => g.node("Gelu", [x], { approximate: attribute.text("tanh") }), { opset: 20 }),
  },
  Gemm: Object.fromEntries(
    [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ].map(([transA = false, transB = false]) => [
      `transposed ${transA} ${transB}`,
      {
        inputs: { a: transA ? [3, 2] : [2, 3], b: transB ? [4, 3] : [3, 4], c: [4] },
        build: ([a, b, c], g) =>
          g.node("Gemm", [a, b, c], {
            transA: attribute.flag(transA),
            transB: attribute.flag(transB),
            alpha: attribute.float(0.5),
            beta: attribute.float(2),
          }),
      } satisfies Case,
    ]),
  ),
  GlobalAveragePool: { plain: one([2, 3, 2, 4], (x, g) => g.globalAveragePool(x)) },
  GlobalMaxPool: { plain: one([2, 3, 2, 4], (x, g) => g.globalMaxPool(x), { distinct: true }) },
  HardSigmoid: { plain: one([8], (x, g) => g.hardSigmoid(x, 0.4, 0.5), { avoid: [-1.25, 1.25] }) },
  HardSwish: { plain: one([9], (x, g) => g.hardSwish(x), { range: [-5, 5], avoid: [-3, 3] }) },
  Identity: { plain: one([3], (x, g) => g.identity(x)) },
  LayerNormalization: {
    "last axis": {
      inputs: { x: [2, 3, 4], scale: [4], shift: [4] },
      build: ([x, scale, shift], g) => g.layerNormalization(x as Value, scale as Value, shift),
    },
    "two axes, no shift": {
      inputs: { x: [2, 3, 4], scale: [3, 4] },
      build: ([x, scale], g) => g.layerNormalization(x as Value, scale as Value, undefined, 1, 1e-6),
    },
  },
  LeakyRelu: { plain: one([6], (x, g) => g.leakyRelu(x, 0.2), { avoid: [0] }) },
  Log: { plain: one([5], (x, g) => g.log(x), positive) },
  LogSoftmax: { plain: one([2, 4], (x, g) => g.node("LogSoftmax", [x], { axis: int(1) })) },
  MatMul: {
    matrices: two([2, 3], [3, 4], (a, b, g) => g.matMul(a, b)),
    "batch times weight": two([2, 5, 3], [3, 4], (a, b, g) => g.matMul(a, b)),
    batches: two([2, 1, 3, 4], [5, 4, 2], (a, b, g) => g.matMul(a, b)),
    "vector left": two([3], [2, 3, 4], (a, b, g) => g.matMul(a, b)),
    "vector right": two([2, 3], [3], (a, b, g) => g.matMul(a, b)),
    "two vectors": two([3], [3], (a, b, g) => g.matMul(a, b)),
    "batch times vector": two([2, 4, 3], [3], (a, b, g) => g.matMul(a, b)),
  },
  Max: {
    broadcast: two([2, 3], [3], (a, b, g) => g.max(a, b), { distinct: true }),
    three: one([4], (x, g) => g.node("Max", [x, g.neg(x), g.scalar(0.4)]), { avoid: [0, 0.4, -0.4] }),
  },
  MaxPool: {
    overlapping: one([1, 2, 6, 6], (x, g) => g.maxPool(x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), {
      distinct: true,
    }),
    tiles: one([2, 1, 4, 4], (x, g) => g.maxPool(x, { kernel: [2, 2], strides: [2, 2] }), { distinct: true }),
    "last stride does not fit": one([1, 1, 5, 6], (x, g) => g.maxPool(x, { kernel: [2, 2], strides: [2, 3] }), {
      distinct: true,
    }),
  },
  Min: { broadcast: two([2, 3], [3], (a, b, g) => g.min(a, b), { distinct: true }) },
  Mul: {
    broadcast: two([2, 3], [1, 3], (a, b, g) => g.mul(a, b)),
    scalar: two([], [4], (a, b, g) => g.mul(a, b)),
    square: one([3], (x, g) => g.mul(x, x)),
  },
  Neg: { plain: one([3], (x, g) => g.neg(x)) },
  Pad: {
    constant: one([2, 3], (x, g) => g.pad(x, [1, 0, 0, 2], 5)),
    cutting: one([3, 4], (x, g) => g.pad(x, [0, -1, 1, -1])),
  },
  Pow: {
    "constant exponent": one([4], (x, g) => g.pow(x, 3)),
    "integer exponent": one([4], (x, g) => g.node("Pow", [x, g.int64s([2])])),
    "trained exponent": two([4], [4], (a, b, g) => g.pow(a, b), positive),
  },
  PRelu: { plain: two([2, 3, 2], [3, 1], (x, s, g) => g.node("PRelu", [x, s]), { avoid: [0] }) },
  Reciprocal: { plain: one([4], (x, g) => g.reciprocal(x), positive) },
  ReduceL2: {
    plain: one([2, 3], (x, g) => g.reduceL2(x, [1], false)),
    zeros: one([2, 3], (x, g) => g.reduceL2(g.mul(x, g.floats([2, 1], [0, 1])), [1], false)),
  },
  ReduceLogSumExp: { plain: one([2, 3], (x, g) => g.node("ReduceLogSumExp", [x, g.int64s([-1])])) },
  ReduceMax: {
    axes: one([2, 3, 2], (x, g) => g.reduceMax(x, [-2], false), { distinct: true }),
    none: one([2, 3], (x, g) => g.node("ReduceMax", [x], { noop_with_empty_axes: int(1) })),
  },
  ReduceMean: {
    all: one([2, 3], (x, g) => g.reduceMean(x)),
    "negative axes": one([2, 3, 4], (x, g) => g.reduceMean(x, [-1, 0], false)),
    "axes as attribute": one([2, 3], (x, g) => g.reduceMean(x, [1]), { opset: 13 }),
  },
  ReduceMin: { axes: one([2, 3], (x, g) => g.reduceMin(x, [0]), { distinct: true }) },
  ReduceSum: {
    axes: one([2, 3, 4], (x, g) => g.reduceSum(x, [1], false)),
    kept: one([2, 3], (x, g) => g.reduceSum(x, [-1])),
    none: one([2, 3], (x, g) => g.node("ReduceSum", [x], { noop_with_empty_axes: int(1) })),
  },
  ReduceSumSquare: {
    plain: one([2, 3], (x, g) => g.node("ReduceSumSquare", [x, g.int64s([1])], { keepdims: int(0) })),
  },
  Relu: { plain: one([2, 5], (x, g) => g.relu(x), { avoid: [0] }) },
  Reshape: {
    "what remains": one([2, 6], (x, g) => g.reshape(x, [3, -1])),
    kept: one([2, 6], (x, g) => g.reshape(x, [0, 2, 3])),
  },
  Sigmoid: { plain: one([5], (x, g) => g.sigmoid(x)) },
  Sin: { plain: one([3], (x, g) => g.node("Sin", [x])) },
  Slice: {
    plain: one([4, 5], (x, g) => g.slice(x, [1], [3], [0])),
    "negative bounds": one([4, 5], (x, g) => g.slice(x, [-3, 0], [-1, 100], [1, 0])),
    step: one([7, 2], (x, g) => g.slice(x, [1], [7], [0], [3])),
    reversed: one([6], (x, g) => g.slice(x, [-1], [-100], [0], [-2])),
  },
  Softmax: { "last axis": one([2, 4], (x, g) => g.softmax(x)), "first axis": one([3, 2], (x, g) => g.softmax(x, 0)) },
  Softplus: { plain: one([5], (x, g) => g.softplus(x)) },
  Softsign: { plain: one([2, 3], (x, g) => g.node("Softsign", [x]), { avoid: [0] }) },
  Split: {
    "both used": one([2, 5], (x, g) => g.split(x, [2, 3], 1)),
    "one used": one([4, 2], (x, g) => g.split(x, [1, 3], 0)[1] as Value),
  },
  Sqrt: { plain: one([4], (x, g) => g.sqrt(x), positive) },
  Squeeze: { plain: one([2, 1, 3], (x, g) => g.squeeze(x, [-2])) },
  Sub: { broadcast: two([3], [2, 3], (a, b, g) => g.sub(a, b)) },
  Sum: { three: two([2, 3], [3], (a, b, g) => g.node("Sum", [a, b, a])) },
  Tanh: { plain: one([5], (x, g) => g.tanh(x)) },
  Transpose: {
    given: one([2, 3, 4], (x, g) => g.transpose(x, [2, 0, 1])),
    reversed: one([2, 3], (x, g) => g.node("Transpose", [x])),
  },
  Unsqueeze: { plain: one([2, 3], (x, g) => g.unsqueeze(x, [0, -1])) },
  Where: {
    broadcast: two([2, 3], [3], (a, b, g) => g.where(g.constant(boolTensor([2, 1], [true, false])), a, b)),
  },
};
