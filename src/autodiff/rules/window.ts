import { type RuleCall, shapeOf } from "../rule-call.js";

/** The window of a convolution or pooling over the spatial axes, its padding made explicit. */
export interface SpatialWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBefore: readonly number[];
  /** As much as the output needs, which is less than was asked where the last stride does not fit. */
  readonly padsAfter: readonly number[];
  /** As much as the node asks for. */
  readonly padsAsked: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Reads the window from the attributes and from the shapes of `x` and `y`, whatever `auto_pad` and `ceil_mode` say. */
export function windowOf(call: RuleCall, kernel: readonly number[]): SpatialWindow {
  const input = shapeOf(call.input(0)).slice(2);
  const output = shapeOf(call.output()).slice(2);
  const ones = kernel.map(() => 1);
  const strides = call.ints("strides") ?? ones;
  const dilations = call.ints("dilations") ?? ones;
  const autoPad = call.text("auto_pad", "NOTSET");
  const given = call.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  const padsBefore = kernel.map((size, axis) => {
    if (autoPad === "NOTSET") return given[axis] ?? 0;
    if (autoPad === "VALID") return 0;
    const total = Math.max(0, reach(size, axis) - (input[axis] ?? 0));
    return autoPad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  function reach(size: number, axis: number): number {
    return ((output[axis] ?? 1) - 1) * (strides[axis] ?? 1) + (size - 1) * (dilations[axis] ?? 1) + 1;
  }
  const padsAfter = kernel.map((size, axis) => reach(size, axis) - (input[axis] ?? 0) - (padsBefore[axis] ?? 0));
  const padsAsked = autoPad === "NOTSET" ? given.slice(kernel.length) : padsAfter;
  return { kernel, strides, dilations, padsBefore, padsAfter, padsAsked, input, output };
}

/** A 1 × 1 window without stride and padding: a matrix product over the channels. */
export function isPointwise({ kernel, strides, padsBefore, padsAfter }: SpatialWindow): boolean {
  return (
    kernel.every((size) => size === 1) &&
    strides.every((stride) => stride === 1) &&
    [...padsBefore, ...padsAfter].every((pad) => pad === 0)
  );
}
