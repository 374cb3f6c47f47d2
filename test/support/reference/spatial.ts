import { at, generate, type ReferenceArray } from "./array.js";

/** Window of a convolution or a pooling over the spatial axes. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin and end padding per spatial axis. */
  readonly pads: readonly (readonly [number, number])[];
}

function outputSizes(input: readonly number[], { kernel, strides, dilations, pads }: Window): number[] {
  return kernel.map((size, axis) => {
    const [begin, end] = pads[axis] ?? [0, 0];
    const reach = (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.floor(((input[axis + 2] ?? 0) + begin + end - reach) / (strides[axis] ?? 1)) + 1;
  });
}

function* kernelOffsets(kernel: readonly number[]): Generator<number[]> {
  const total = kernel.reduce((product, size) => product * size, 1);
  for (let flat = 0; flat < total; flat++) {
    let rest = flat;
    const offsets: number[] = [];
    for (let axis = kernel.length - 1; axis >= 0; axis--) {
      const size = kernel[axis] ?? 1;
      offsets[axis] = rest % size;
      rest = Math.floor(rest / size);
    }
    yield offsets;
  }
}

const positionOf = (output: readonly number[], offsets: readonly number[], window: Window): number[] =>
  offsets.map(
    (offset, axis) =>
      (output[axis + 2] ?? 0) * (window.strides[axis] ?? 1) -
      (window.pads[axis]?.[0] ?? 0) +
      offset * (window.dilations[axis] ?? 1),
  );

/** ONNX Conv, straight from its definition. x `[n, c, …]`, weight `[m, c / groups, …]`. */
export function convolve(
  x: ReferenceArray,
  weight: ReferenceArray,
  bias: ReferenceArray | undefined,
  groups: number,
  window: Window,
): ReferenceArray {
  const [outputs = 0, perGroup = 0] = weight.shape;
  return generate([x.shape[0] ?? 0, outputs, ...outputSizes(x.shape, window)], (index) => {
    const channel = index[1] ?? 0;
    const first = Math.floor(channel / (outputs / groups)) * perGroup;
    let sum = bias ? at(bias, [channel]) : 0;
    for (let c = 0; c < perGroup; c++) {
      for (const offsets of kernelOffsets(window.kernel)) {
        const position = positionOf(index, offsets, window);
        sum += at(x, [index[0] ?? 0, first + c, ...position]) * at(weight, [channel, c, ...offsets]);
      }
    }
    return sum;
  });
}

export function pool(
  x: ReferenceArray,
  kind: "average" | "max",
  countIncludesPadding: boolean,
  window: Window,
): ReferenceArray {
  return generate([x.shape[0] ?? 0, x.shape[1] ?? 0, ...outputSizes(x.shape, window)], (index) => {
    let sum = 0;
    let inside = 0;
    let largest = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const offsets of kernelOffsets(window.kernel)) {
      const position = positionOf(index, offsets, window);
      const value = at(x, [index[0] ?? 0, index[1] ?? 0, ...position], Number.NaN);
      total++;
      if (Number.isNaN(value)) continue;
      sum += value;
      inside++;
      largest = Math.max(largest, value);
    }
    if (kind === "max") return largest;
    return sum / (countIncludesPadding ? total : inside);
  });
}
