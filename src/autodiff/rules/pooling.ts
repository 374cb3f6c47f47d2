import { attribute, float32Tensor, type GraphBuilder, type Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";
import { shapeOf } from "../rule-call.js";
import { spread } from "./layout.js";
import { indicator, unary } from "./rule-forms.js";
import { type SpatialWindow, windowOf } from "./window.js";

/** y = mean of x over all places  ⇒  ∂x = ∂y / places, repeated. */
export const globalAveragePool = unary((x, _y, dy, g) => {
  const shape = shapeOf(x);
  const places = shape.slice(2).reduce((product, size) => product * size, 1);
  return g.expand(g.mul(dy, 1 / places), shape);
});

/** y = max of x over all places  ⇒  ∂x = ∂y, shared equally by the places that equal y. */
export const globalMaxPool = unary((x, y, dy, g) => {
  const chosen = indicator(g, g.equal(x, y), dy);
  const axes = shapeOf(x)
    .map((_, axis) => axis)
    .slice(2);
  return g.mul(chosen, g.div(dy, g.reduceSum(chosen, axes)));
});

/**
 * How many elements each window averages: those inside the image, and with `countPadding` those of the padding that was
 * asked for. What `ceil_mode` lets the last window reach beyond it counts never.
 */
function windowCounts(window: SpatialWindow, countPadding: boolean) {
  const { kernel, strides, dilations, padsBefore, padsAsked, input, output } = window;
  const perAxis = output.map((size, axis) =>
    Array.from({ length: size }, (_, place) => {
      const [low, high] = countPadding ? [padsBefore[axis] ?? 0, padsAsked[axis] ?? 0] : [0, 0];
      const start = place * (strides[axis] ?? 1) - (padsBefore[axis] ?? 0);
      return Array.from({ length: kernel[axis] ?? 1 }, (_, tap) => start + tap * (dilations[axis] ?? 1)).filter(
        (position) => position >= -low && position < (input[axis] ?? 0) + high,
      ).length;
    }),
  );
  const counts = perAxis.reduce<number[]>((product, axis) => product.flatMap((a) => axis.map((b) => a * b)), [1]);
  return float32Tensor([1, 1, ...output], counts);
}

/** y = mean of x over a window  ⇒  ∂x = Σ over the windows that hold each place of ∂y / their size. */
export const averagePool: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const window = windowOf(call, call.ints("kernel_shape") ?? []);
  const { kernel, strides, dilations, padsBefore, padsAfter } = window;
  const channels = shapeOf(call.input(0))[1] ?? 1;
  const counts = windowCounts(window, call.int("count_include_pad", 0) === 1);
  const taps = kernel.reduce((product, size) => product * size, 1);
  const ones = g.constant(float32Tensor([channels, 1, ...kernel], new Float32Array(channels * taps).fill(1)));
  const dx = g.node("ConvTranspose", [g.div(dy, g.constant(counts)), ones], {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    dilations: attribute.ints(dilations),
    group: attribute.int(channels),
    pads: attribute.ints([...padsBefore, ...padsAfter.map((pad) => Math.max(0, pad))]),
    output_padding: attribute.ints(padsAfter.map((pad) => Math.max(0, -pad))),
  });
  return [dx];
};

/**
 * y = max of x over a window  ⇒  ∂x = ∂y at the first place of the window that equals y. One strided view of x a tap
 * of the window: the indices that MaxPool can give are missing on WebGPU.
 */
export const maxPool: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  if (call.node.outputs.length > 1 && call.node.outputs[1] !== "") call.refuse("its indices are used");
  const window = windowOf(call, call.ints("kernel_shape") ?? []);
  const { kernel, padsBefore, padsAfter, input } = window;
  const around = [0, 0, ...padsBefore, 0, 0, ...padsAfter];
  // A finite floor: infinity minus itself is not a number.
  const padded = around.some((size) => size !== 0) ? g.pad(call.input(0), around, -3e38) : call.input(0);
  const sizes = input.map((size, axis) => size + (padsBefore[axis] ?? 0) + (padsAfter[axis] ?? 0));
  const taps = kernel.reduce<number[][]>(
    (all, size) => all.flatMap((tap) => range(size).map((at) => [...tap, at])),
    [[]],
  );
  let open = g.add(g.mul(dy, 0), 1);
  let total: Value | undefined;
  for (const tap of taps) {
    const chosen = g.mul(open, indicator(g, g.equal(viewAt(padded, tap, window, g), call.output()), dy));
    open = g.sub(open, chosen);
    const placed = spreadOver(g.mul(dy, chosen), tap, window, sizes, g);
    total = total === undefined ? placed : g.add(total, placed);
  }
  if (total === undefined) return [null];
  return [
    around.some((size) => size !== 0)
      ? g.pad(
          total,
          around.map((size) => -size),
        )
      : total,
  ];
};

const range = (size: number) => Array.from({ length: size }, (_, index) => index);

/** The elements of x that lie under one tap of every window: a strided slice in the shape of y. */
function viewAt(padded: Value, tap: readonly number[], { strides, dilations, output }: SpatialWindow, g: GraphBuilder) {
  const starts = tap.map((at, axis) => at * (dilations[axis] ?? 1));
  const ends = starts.map((start, axis) => start + ((output[axis] ?? 1) - 1) * (strides[axis] ?? 1) + 1);
  return g.slice(
    padded,
    starts,
    ends,
    tap.map((_, axis) => axis + 2),
    [...strides],
  );
}

function spreadOver(
  value: Value,
  tap: readonly number[],
  { strides, dilations }: SpatialWindow,
  sizes: readonly number[],
  g: GraphBuilder,
): Value {
  return tap.reduce(
    (spaced, at, axis) =>
      spread(spaced, axis + 2, strides[axis] ?? 1, at * (dilations[axis] ?? 1), sizes[axis] ?? 1, g),
    value,
  );
}
