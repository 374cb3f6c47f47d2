import { at, generate, type ReferenceArray, sizeOf } from "./array.js";

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
  const [samples = 0, channels = 0, ...places] = x.shape;
  const sizes = outputSizes(x.shape, window);
  const [area, kernelArea] = [sizeOf(places), sizeOf(window.kernel)];
  // Which places of the image lie under which taps is the same for every sample and channel.
  const taps: (readonly [tap: number, place: number])[][] = [];
  generate([1, 1, ...sizes], (index) => {
    const inside = [...kernelOffsets(window.kernel)].flatMap((offsets, tap) => {
      const position = positionOf(index, offsets, window);
      const outside = position.some((at, axis) => at < 0 || at >= (places[axis] ?? 0));
      const place = position.reduce((flat, at, axis) => flat * (places[axis] ?? 1) + at, 0);
      return outside ? [] : [[tap, place] as const];
    });
    taps.push(inside);
    return 0;
  });
  const values = new Float64Array(samples * outputs * taps.length);
  for (let row = 0; row < samples * outputs; row++) {
    const channel = row % outputs;
    const first = Math.floor(row / outputs) * channels + Math.floor(channel / (outputs / groups)) * perGroup;
    for (const [place, inside] of taps.entries()) {
      let sum = bias ? (bias.values[channel] ?? 0) : 0;
      for (let c = 0; c < perGroup; c++) {
        for (const [tap, from] of inside) {
          sum +=
            (x.values[(first + c) * area + from] ?? 0) *
            (weight.values[(channel * perGroup + c) * kernelArea + tap] ?? 0);
        }
      }
      values[row * taps.length + place] = sum;
    }
  }
  return { shape: [samples, outputs, ...sizes], values };
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
