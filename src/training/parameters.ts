import { elementCount, float32Values } from "../onnx/index.js";
import type { Segment } from "./optimisers/index.js";
import type { Trainable } from "./training-graph.js";

/** A weight's place in the flat array. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** All trainable weights as one array: an optimiser's step is one loop, a checkpoint one copy. */
export interface ParameterSpace {
  readonly parameters: readonly Parameter[];
  /** Neighbours that are treated alike, joined. */
  readonly segments: readonly Segment[];
  /** With the gaps between weights; those hold zeros and stay zeros. */
  readonly length: number;
}

/** Weights begin at multiples of 64 bytes, a cache line. */
const ALIGNMENT = 16;

export function layOutParameters(trainables: readonly Trainable[]): ParameterSpace {
  const parameters: Parameter[] = [];
  const segments: Segment[] = [];
  let end = 0;
  for (const { name, group, tensor } of trainables) {
    const from = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = from + elementCount(tensor.shape);
    parameters.push({ name, shape: tensor.shape, from, to: end });
    const decays = tensor.shape.filter((size) => size > 1).length > 1;
    const last = segments.at(-1);
    if (last?.group === group && last.decays === decays) segments[segments.length - 1] = { ...last, to: end };
    else segments.push({ from, to: end, group, decays });
  }
  return { parameters, segments, length: Math.ceil(end / ALIGNMENT) * ALIGNMENT };
}

/** Sets the weights to begin with. */
export function setFirstWeights(
  weights: Float32Array,
  trainables: readonly Trainable[],
  { parameters }: ParameterSpace,
): void {
  for (const [index, { from }] of parameters.entries()) {
    const trainable = trainables[index];
    if (trainable) weights.set(float32Values(trainable.tensor), from);
  }
}
