import { attribute, type GraphBuilder, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { blockedNode } from "./channel-blocks.js";
import type { PoolingWindow } from "./gradient-form.type.js";
import type { LoweredValues } from "./lowered-values.js";
import { alongPlaces, interleaved, type PlaceAxis, shifted } from "./places.js";

/** Below every float that a network gives; infinity minus itself is not a number. */
const FLOOR = -3e38;

/**
 * ∂x of max pooling, rows after columns: the largest of a window is the largest of its rows' largest, so that a window
 * of k × k places is asked about 2 k of them and not k². The first place that equals the largest gets ∂y, as in the
 * plain form.
 * @returns undefined where a stride skips places
 */
export function lowerMaxPoolGradient(
  values: LoweredValues,
  x: string,
  y: string,
  dy: string,
  { kernel, strides, padsBefore }: PoolingWindow,
): Value | undefined {
  if (kernel.some((size, axis) => size < (strides[axis] ?? 1))) return undefined;
  const { graph: g, block } = values;
  const [image, result] = [values.blocked(x), values.blocked(y)];
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(image);
  const [, , , width = 1] = shapeOf(result);
  const [left, right] = [padsBefore[1], (width - 1) * strides[1] + kernel[1] - columns - padsBefore[1]];
  const settings = {
    kernel_shape: attribute.ints([1, kernel[1]]),
    strides: attribute.ints([1, strides[1]]),
    pads: attribute.ints([0, left, 0, Math.max(0, right)]),
  };
  const perRow = blockedNode(g, "MaxPool", [image], settings, [n, channels, rows, width]);
  const gradientOf = (axis: PlaceAxis, source: Value, largest: Value, gradient: Value) =>
    g.reshape(
      alongAxis(
        g,
        alongPlaces(g, source, axis, block),
        alongPlaces(g, largest, axis, block),
        alongPlaces(g, gradient, axis, block),
        { kernel: kernel[axis], stride: strides[axis], before: padsBefore[axis] },
      ),
      shapeOf(source),
    );
  return gradientOf(1, image, perRow, gradientOf(0, perRow, result, values.blocked(dy)));
}

/** The same along one axis: x [A, L, R], y and ∂y [A, windows, R]. */
function alongAxis(
  g: GraphBuilder,
  x: Value,
  y: Value,
  dy: Value,
  { kernel, stride, before }: { readonly kernel: number; readonly stride: number; readonly before: number },
): Value {
  const [, places = 1] = shapeOf(x);
  const [, windows = 1] = shapeOf(y);
  const length = Math.ceil(places / stride);
  const phases: (Value | undefined)[] = new Array(stride).fill(undefined);
  let rest = dy;
  for (let tap = 0; tap < kernel; tap++) {
    let taken = rest;
    if (tap < kernel - 1) {
      // 1 where the tap equals y, which it never exceeds, else 0: one pass where Equal and Cast take two.
      const chosen = g.hardSigmoid(g.sub(viewOf(g, x, tap - before, stride, windows), y), 2 ** 100, 1);
      taken = g.mul(rest, chosen);
      rest = g.sub(rest, taken);
    }
    const phase = (((tap - before) % stride) + stride) % stride;
    const placed = shifted(g, taken, (tap - before - phase) / stride, length);
    const others = phases[phase];
    phases[phase] = others ? g.add(others, placed) : placed;
  }
  return interleaved(g, phases as Value[], places);
}

/** Places first, first + stride, …, `count` of them; those outside are the floor. */
function viewOf(g: GraphBuilder, x: Value, first: number, stride: number, count: number): Value {
  const [, places = 1] = shapeOf(x);
  const missing = first < 0 ? Math.ceil(-first / stride) : 0;
  const start = first + missing * stride;
  const found = Math.min(count - missing, Math.ceil((places - start) / stride));
  const view = g.slice(x, [start], [start + (found - 1) * stride + 1], [1], [stride]);
  return shifted(g, view, missing, count, FLOOR);
}
