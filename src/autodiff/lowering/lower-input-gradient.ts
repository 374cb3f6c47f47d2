import type { GraphBuilder, Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { alignedTo } from "./channel-blocks.js";
import { turnedDenseFilter, turnedDepthwiseFilter } from "./filter-layouts.js";
import type { ConvolutionGeometry } from "./gradient-form.type.js";
import { blockedConvolution } from "./lower-convolution.js";
import { lowerStridedInputGradient } from "./lower-strided-gradient.js";
import type { LoweredValues } from "./lowered-values.js";

/**
 * ∂x = ∂y ∗ w turned by 180°, inputs and outputs exchanged. Under strides a dense one goes phase by phase; for others
 * zeros stand between the elements of ∂y, and for a 1 × 1 window between those of ∂x, when the product is done.
 * @returns undefined where the padding is wider than the kernel
 */
export function lowerInputGradient(
  values: LoweredValues,
  dy: string,
  w: string,
  geometry: ConvolutionGeometry,
  sizes: readonly number[],
): Value | undefined {
  const { graph: g, block } = values;
  const { group, kernel, strides, dilations, padsBefore } = geometry;
  const isPointwise = kernel.every((size) => size === 1) && padsBefore.every((pad) => pad === 0);
  const isStrided = strides.some((step) => step > 1);
  const phased = isStrided && !isPointwise && lowerStridedInputGradient(values, dy, w, geometry, sizes);
  if (phased) return phased;
  const [, , ...places] = values.shape(dy);
  const spread = places.map((size, axis) => (isPointwise ? size : size * (strides[axis] ?? 1)));
  const reach = kernel.map((size, axis) => (size - 1) * (dilations[axis] ?? 1));
  const before = reach.map((size, axis) => size - (padsBefore[axis] ?? 0));
  const wanted = isPointwise ? places : sizes;
  const after = wanted.map((size, axis) => size - (spread[axis] ?? 0) - (before[axis] ?? 0) + (reach[axis] ?? 0));
  if ([...before, ...after].some((pad) => pad < 0)) return undefined;

  const gradient = values.blocked(dy);
  const filter = values.plain(w);
  const image = isPointwise ? gradient : withZerosBetween(g, gradient, strides, block);
  const laid = group > 1 ? turnedDepthwiseFilter(g, filter, block) : turnedDenseFilter(g, filter, block);
  const dx = blockedConvolution(g, image, laid, undefined, {
    geometry: { kernel, strides: [1, 1], dilations, padsBefore: [before[0] ?? 0, before[1] ?? 0] },
    padsAfter: [after[0] ?? 0, after[1] ?? 0],
    group: group > 1 ? alignedTo(block, group) : 1,
  });
  return isPointwise ? fitted(g, withZerosBetween(g, dx, strides, block), sizes, block) : dx;
}

/** [N, C, H, W] in blocks → [N, C, H · s, W · s] with zeros behind each element: one Pad of rows and of blocks. */
function withZerosBetween(g: GraphBuilder, x: Value, strides: readonly [number, number], block: number): Value {
  const [down, across] = strides;
  if (down === 1 && across === 1) return x;
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(x);
  const split = g.reshape(x, [((n * channels) / block) * rows, 1, columns, block]);
  const spread = g.pad(split, [0, 0, 0, 0, 0, down - 1, 0, (across - 1) * block]);
  return g.reshape(spread, [n, channels, rows * down, columns * across]);
}

/** Cuts or fills at the lower and right edge. A row is one axis here, so that its blocks stay whole. */
function fitted(g: GraphBuilder, x: Value, sizes: readonly number[], block: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = shapeOf(x);
  const [height = rows, width = columns] = sizes;
  if (rows === height && columns === width) return x;
  const split = g.reshape(x, [(n * channels) / block, rows, columns * block]);
  const cut = g.pad(split, [0, 0, 0, 0, height - rows, (width - columns) * block]);
  return g.reshape(cut, [n, channels, height, width]);
}
