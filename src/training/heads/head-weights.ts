import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { float32Tensor, type Tensor } from "../../onnx/index.js";
import type { HeadSpecification } from "./head.type.js";

export interface HeadLayer {
  /** Names of its weights; `[out, in]` and `[out]`. */
  readonly weight: string;
  readonly bias: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly relu: boolean;
}

/** The linear layers of a head over `width` features. Weights are called `<prefix>/0/weight` and so on. */
export function headLayers({ layers }: HeadSpecification, width: number, prefix: string): HeadLayer[] {
  if (layers.kind === "none") return [];
  const widths = [width, ...(layers.kind === "mlp" ? layers.hidden : []), layers.dims];
  return widths.slice(1).map((outputs, index) => ({
    weight: `${prefix}/${index}/weight`,
    bias: `${prefix}/${index}/bias`,
    inputs: widths[index] ?? width,
    outputs,
    relu: index < widths.length - 2,
  }));
}

/** Seeded first weights: uniform within ±1/√inputs (LeCun et al. 1998), biases zero. */
export function firstHeadWeights(
  specification: HeadSpecification,
  width: number,
  prefix: string,
  seed: number,
): Map<string, Tensor> {
  const random = xoroshiro128plus(seed);
  const weights = new Map<string, Tensor>();
  for (const { weight, bias, inputs, outputs } of headLayers(specification, width, prefix)) {
    const reach = 1 / Math.sqrt(inputs);
    const values = Float32Array.from({ length: inputs * outputs }, () => (2 * uniformFloat64(random) - 1) * reach);
    weights.set(weight, float32Tensor([outputs, inputs], values));
    weights.set(bias, float32Tensor([outputs], new Float32Array(outputs)));
  }
  return weights;
}
