import { DimensionsDisagree, mapSize } from "../dimensions.js";
import type { Dimension } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** Window settings of convolutions and pools, one entry a spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Explicit padding, before each axis then after each axis; unused with SAME. */
  readonly pads: readonly number[];
  readonly autoPad: "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER";
  readonly ceil: boolean;
}

/** Conv: [N, C, …] ∗ [M, C/group, …kernel] → [N, M, …]. */
export const conv: ShapeRule = (call) => {
  const [batch, channels, ...spatial] = call.shape(0);
  const [filters, perGroup, ...kernelShape] = call.staticShape(1);
  if (batch === undefined || channels === undefined || filters === undefined || perGroup === undefined) {
    return call.fail("its image or its filters have fewer than three axes");
  }
  const group = call.int("group") ?? 1;
  if (typeof channels === "number" && channels !== perGroup * group) {
    call.fail(`the image has ${channels} channels, the filters are for ${perGroup} in each of ${group} groups`);
  }
  if (filters % group !== 0) call.fail(`${filters} filters do not divide into ${group} groups`);
  const window = readWindow(call, spatial.length, call.ints("kernel_shape") ?? kernelShape);
  return [{ elementType: call.elementType(0), shape: [batch, filters, ...slide(call, spatial, window)] }];
};

/** ConvTranspose: [N, C, …] and [C, M/group, …kernel] → [N, M, …]. */
export const convTranspose: ShapeRule = (call) => {
  const [batch, , ...spatial] = call.shape(0);
  const [, perGroup, ...kernelShape] = call.staticShape(1);
  if (batch === undefined || perGroup === undefined) return call.fail("its image or its filters have too few axes");
  const window = readWindow(call, spatial.length, call.ints("kernel_shape") ?? kernelShape);
  const added = call.ints("output_padding") ?? spatial.map(() => 0);
  const wanted = call.ints("output_shape");
  const sizes = spatial.map((size, axis): Dimension => {
    if (wanted !== undefined) return at(wanted.slice(-spatial.length), axis);
    const stride = at(window.strides, axis);
    if (window.autoPad.startsWith("SAME")) return mapSize(size, (known) => known * stride, "upsampled");
    const reach = reachOf(axis, window);
    const padding = at(window.pads, axis) + at(window.pads, axis + spatial.length);
    return mapSize(size, (known) => (known - 1) * stride + at(added, axis) + reach - padding, "upsampled");
  });
  return [{ elementType: call.elementType(0), shape: [batch, perGroup * (call.int("group") ?? 1), ...sizes] }];
};

/** AveragePool, MaxPool, LpPool; the second output of MaxPool holds positions. */
export const pool: ShapeRule = (call) => {
  const [batch, channels, ...spatial] = call.shape(0);
  if (batch === undefined || channels === undefined) return call.fail("its image has fewer than three axes");
  const kernel = call.ints("kernel_shape") ?? call.fail('its attribute "kernel_shape" is missing');
  const shape = [batch, channels, ...slide(call, spatial, readWindow(call, spatial.length, kernel))];
  return [
    { elementType: call.elementType(0), shape },
    { elementType: "int64", shape },
  ];
};

/** GlobalAveragePool, GlobalMaxPool: every spatial axis becomes 1. */
export const globalPool: ShapeRule = (call) => [
  { elementType: call.elementType(0), shape: call.shape(0).map((size, axis) => (axis < 2 ? size : 1)) },
];

function readWindow(call: OperatorCall, axes: number, kernel: readonly number[]): Window {
  const autoPad = call.text("auto_pad") ?? "NOTSET";
  if (autoPad !== "NOTSET" && autoPad !== "VALID" && autoPad !== "SAME_UPPER" && autoPad !== "SAME_LOWER") {
    return call.fail(`it has the unknown auto_pad "${autoPad}"`);
  }
  const window: Window = {
    kernel,
    strides: call.ints("strides") ?? Array<number>(axes).fill(1),
    dilations: call.ints("dilations") ?? Array<number>(axes).fill(1),
    pads: (autoPad === "NOTSET" ? call.ints("pads") : undefined) ?? Array<number>(2 * axes).fill(0),
    autoPad,
    ceil: call.int("ceil_mode") === 1,
  };
  const fits = [kernel, window.strides, window.dilations].every(({ length }) => length === axes);
  if (!fits || window.pads.length !== 2 * axes) call.fail(`its window does not fit an image with ${axes} spatial axes`);
  return window;
}

function slide(call: OperatorCall, spatial: readonly Dimension[], window: Window): Dimension[] {
  return call.sizes(() =>
    spatial.map((size, axis) =>
      typeof size === "number"
        ? slideAxis(size, axis, spatial.length, window)
        : slideOpenAxis(size, axis, spatial.length, window),
    ),
  );
}

/** The formula as the name of the size, in one form whatever the kernel, so that branches of equal size agree. */
function slideOpenAxis(size: string, axis: number, axes: number, window: Window): string {
  const stride = at(window.strides, axis);
  if (window.autoPad.startsWith("SAME")) return stride === 1 ? size : `ceil(${size}/${stride})`;
  const added = at(window.pads, axis) + at(window.pads, axis + axes) - reachOf(axis, window);
  if (stride === 1) return withOffset(size, added + 1);
  return `${window.ceil ? "ceil" : "floor"}(${withOffset(size, added)}/${stride}+1)`;
}

function withOffset(size: string, offset: number): string {
  return offset === 0 ? size : `(${size}${offset < 0 ? "" : "+"}${offset})`;
}

/** How far a window reaches along an axis, gaps included. */
function reachOf(axis: number, window: Window): number {
  return (at(window.kernel, axis) - 1) * at(window.dilations, axis) + 1;
}

function slideAxis(size: number, axis: number, axes: number, window: Window): number {
  const stride = at(window.strides, axis);
  if (window.autoPad.startsWith("SAME")) return Math.ceil(size / stride);
  const reach = reachOf(axis, window);
  const before = at(window.pads, axis);
  const room = size + before + at(window.pads, axis + axes) - reach;
  if (room < 0) throw new DimensionsDisagree(`its window of ${reach} does not fit an axis of ${size}`);
  if (!window.ceil) return Math.floor(room / stride) + 1;
  const windows = Math.ceil(room / stride) + 1;
  // A last window that would start in the padding behind the image is left out, as in PyTorch and ONNX ≥ 19.
  return (windows - 1) * stride >= size + before ? windows - 1 : windows;
}

function at(numbers: readonly number[], position: number): number {
  return numbers[position] as number;
}
