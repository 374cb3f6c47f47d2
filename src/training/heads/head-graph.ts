import type { GraphBuilder, Value } from "../../onnx/index.js";
import { unitLength } from "./features.js";
import type { HeadSpecification } from "./head.type.js";
import { headLayers } from "./head-weights.js";

/** What a head reads besides the features: fed while training, constants in an exported model. */
export interface HeadValues {
  /** Of the names of its weights. */
  readonly prefix: string;
  /** Weights and biases by name. */
  readonly weights: ReadonlyMap<string, Value>;
  /** `[width]`: features are taken as (x − mean) · inverseDeviation. */
  readonly standard?: { readonly mean: Value; readonly inverseDeviation: Value };
  /** `[batch, width]`: 0 hides a feature, 1 / (1 − dropout) keeps it. */
  readonly mask?: Value;
}

/**
 * Joined features `[batch, width]` → embedding `[batch, dims]` of unit length.
 * @param name of the embedding
 */
export function buildHead(
  g: GraphBuilder,
  joined: Value,
  specification: HeadSpecification,
  { prefix, weights, standard, mask }: HeadValues,
  name: string,
): Value {
  let x = joined;
  if (standard) x = g.mul(g.sub(x, standard.mean), standard.inverseDeviation, "head/standardised");
  if (mask) x = g.mul(x, mask, "head/masked");
  const layers = headLayers(specification, Number(joined.type.shape[1]), prefix);
  for (const layer of layers) {
    x = g.gemm(x, weightOf(weights, layer.weight), weightOf(weights, layer.bias), {
      transB: true,
      name: layer.weight.replace("/weight", "/sum"),
    });
    if (layer.relu) x = g.relu(x);
  }
  return unitLength(g, x, name);
}

function weightOf(weights: ReadonlyMap<string, Value>, name: string): Value {
  const value = weights.get(name);
  if (value === undefined) throw new RangeError(`the head's weight "${name}" was not given`);
  return value;
}
