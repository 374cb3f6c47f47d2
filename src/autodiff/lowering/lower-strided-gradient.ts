import type { Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { exchangedFilter, turnedTaps } from "./filter-layouts.js";
import type { ConvolutionGeometry } from "./gradient-form.type.js";
import { blockedConvolution } from "./lower-convolution.js";
import type { LoweredValues } from "./lowered-values.js";
import { alongPlaces, interleaved } from "./places.js";

/** The part of ∂x at places r, s + r, 2 s + r, … of one axis: which taps of the window reach them, and the padding. */
interface Phase {
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

/**
 * ∂x of a dense convolution with strides, phase by phase: each place of ∂x meets only the taps that reach it, where a
 * convolution of ∂y with zeros between its elements would multiply s² − 1 zeros of s² elements.
 * @param sizes of ∂x
 * @returns undefined where a phase has no taps or too much padding
 */
export function lowerStridedInputGradient(
  values: LoweredValues,
  dy: string,
  w: string,
  geometry: ConvolutionGeometry,
  sizes: readonly number[],
): Value | undefined {
  const { graph: g, block } = values;
  const [, , ...places] = values.shape(dy);
  const [rows, columns] = [0, 1].map((axis) => phasesOf(geometry, axis, places[axis] ?? 1, sizes[axis] ?? 1));
  const all = [...(rows ?? []), ...(columns ?? [])];
  const isPossible = all.every(({ taps, before, after }) => taps.length > 0 && before >= 0 && after >= 0);
  if (!isPossible || geometry.group > 1 || geometry.dilations.some((step) => step > 1)) return undefined;
  const gradient = values.blocked(dy);
  const filter = values.plain(w);
  const exchanged = exchangedFilter(g, filter, block);
  const perRow = (rows ?? []).map((row) => {
    const parts = (columns ?? []).map((column) =>
      blockedConvolution(g, gradient, turnedTaps(g, exchanged, filter, block, row.taps, column.taps), undefined, {
        geometry: {
          kernel: [row.taps.length, column.taps.length],
          strides: [1, 1],
          dilations: [1, 1],
          padsBefore: [row.before, column.before],
        },
        padsAfter: [row.after, column.after],
        group: 1,
      }),
    );
    const [n = 1, channels = 1, height = 1] = parts[0] ? shapeOf(parts[0]) : [];
    const joined = interleaved(
      g,
      parts.map((part) => alongPlaces(g, part, 1, block)),
      sizes[1] ?? 1,
    );
    return g.reshape(joined, [n, channels, height, sizes[1] ?? 1]);
  });
  const [n = 1, channels = 1] = perRow[0] ? shapeOf(perRow[0]) : [];
  const joined = interleaved(
    g,
    perRow.map((part) => alongPlaces(g, part, 0, block)),
    sizes[0] ?? 1,
  );
  return g.reshape(joined, [n, channels, ...sizes]);
}

/** y's place i saw x's places s · i + tap − padding. */
function phasesOf(
  { kernel, strides, padsBefore }: ConvolutionGeometry,
  axis: number,
  outputs: number,
  size: number,
): Phase[] {
  const [window = 1, stride = 1, padding = 0] = [kernel[axis], strides[axis], padsBefore[axis]];
  const length = Math.ceil(size / stride);
  return Array.from({ length: stride }, (_, phase) => {
    const first = (phase + padding) % stride;
    const count = Math.max(0, Math.ceil((window - first) / stride));
    const before = count - 1 - (phase + padding - first) / stride;
    return {
      taps: Array.from({ length: count }, (_, at) => first + at * stride),
      before,
      after: length - outputs - before + count - 1,
    };
  });
}
