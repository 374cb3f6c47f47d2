import type { Dimension } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** Gather: the axis is replaced by the shape of the indices. */
export const gather: ShapeRule = (call) => {
  const shape = call.shape(0);
  const axis = call.axis(call.int("axis") ?? 0, shape.length);
  const sizes = [...shape.slice(0, axis), ...call.shape(1), ...shape.slice(axis + 1)];
  return [{ elementType: call.elementType(0), shape: sizes }];
};

/** GatherElements: one element for each index. */
export const gatherElements: ShapeRule = (call) => [{ elementType: call.elementType(0), shape: call.shape(1) }];

/** GatherND: the last axis of the indices addresses axes of the data. */
export const gatherNd: ShapeRule = (call) => {
  const shape = call.shape(0);
  const indices = call.shape(1);
  const depth = indices.at(-1);
  if (typeof depth !== "number") return call.fail("the length of its indices is open; bind it first");
  const rest = shape.slice((call.int("batch_dims") ?? 0) + depth);
  return [{ elementType: call.elementType(0), shape: [...indices.slice(0, -1), ...rest] }];
};

/** ScatterND, ScatterElements: the data with some elements replaced. */
export const scatter: ShapeRule = (call) => [call.input(0).type];

export const oneHot: ShapeRule = (call) => {
  const indices = call.shape(0);
  const axis = call.axis(call.int("axis") ?? -1, indices.length + 1);
  const [depth] = call.numbers(1);
  if (depth === undefined) return call.fail("its depth is empty");
  const shape = [...indices.slice(0, axis), depth, ...indices.slice(axis)];
  return [{ elementType: call.elementType(2), shape }];
};

/** A slice of one axis, as `start`, `step` and how many elements it takes. */
export interface AxisSlice {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Slice with starts, ends, axes and steps as inputs (version 10 and later). */
export const slice: ShapeRule = (call) => {
  const shape: Dimension[] = [...call.shape(0)];
  for (const { axis, count } of axisSlices(call)) shape[axis] = count;
  return [{ elementType: call.elementType(0), shape }];
};

/** The slices of a Slice node, with negative and far-out positions made plain. Axes taken whole are left out. */
export function axisSlices(call: OperatorCall): AxisSlice[] {
  const shape = call.shape(0);
  const starts = call.numbers(1);
  const ends = call.wantedSizes(2);
  const axes = call.has(3) ? call.numbers(3) : starts.map((_, axis) => axis);
  const steps = call.has(4) ? call.numbers(4) : starts.map(() => 1);
  return axes.flatMap((given, index) => {
    const axis = call.axis(given, shape.length);
    const size = shape[axis] as Dimension;
    const step = steps[index] as number;
    const from = starts[index] as number;
    const to = ends[index] as Dimension;
    if (step === 0) call.fail("its step is 0");
    if (typeof size !== "number") {
      // "From the first to the last" is the one slice that keeps an open size.
      const untilEnd = to === size || (typeof to === "number" && to >= 2 ** 31 - 1);
      if (from === 0 && step === 1 && untilEnd) return [];
      return call.fail(`it cuts axis ${axis}, whose size "${size}" is open; bind it first (bindDimensions)`);
    }
    if (typeof to !== "number") return call.fail(`it ends at the open size "${to}"; bind it first (bindDimensions)`);
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (position: number) => Math.min(Math.max(position < 0 ? position + size : position, low), high);
    const start = clamp(from);
    return [{ axis, start, step, count: Math.max(0, Math.ceil((clamp(to) - start) / step)) }];
  });
}

/** Pad: pads before each axis, then after each axis; from version 18 only for the axes named. */
export const pad: ShapeRule = (call) => {
  const shape = call.shape(0);
  const pads = call.numbersFromAttributeOrInput("pads", 1) ?? call.fail("it has no pads");
  const axes = call.has(3) ? call.numbers(3).map((axis) => call.axis(axis, shape.length)) : [...shape.keys()];
  if (pads.length !== 2 * axes.length) call.fail(`${pads.length} pads are given for ${axes.length} axes`);
  const sizes = [...shape];
  axes.forEach((axis, index) => {
    const added = (pads[index] as number) + (pads[index + axes.length] as number);
    const size = sizes[axis] as Dimension;
    if (added !== 0) sizes[axis] = typeof size === "number" ? size + added : `(${size}+${added})`;
  });
  return [{ elementType: call.elementType(0), shape: sizes }];
};

/** Tile: every axis repeated. */
export const tile: ShapeRule = (call) => {
  const repeats = call.numbers(1);
  const shape = call.shape(0).map((size, axis): Dimension => {
    const times = repeats[axis] ?? call.fail(`it has ${repeats.length} repeats for ${call.shape(0).length} axes`);
    return typeof size === "number" ? size * times : times === 1 ? size : `${size}*${times}`;
  });
  return [{ elementType: call.elementType(0), shape }];
};
