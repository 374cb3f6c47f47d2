import { attribute } from "./attributes.js";
import type { Value } from "./graph-assembly.js";
import type { GraphBuilder } from "./graph-builder.js";

/** Operators that came late: one node where the graph's version has them, the same mathematics in older ones before. */

/** x · Φ(x). One node from version 20. */
export function gelu(builder: GraphBuilder, x: Value, name?: string): Value {
  if (builder.opset >= 20) return builder.node("Gelu", [x], {}, name);
  const doubled = builder.add(builder.erf(builder.mul(x, Math.SQRT1_2)), 1);
  return builder.mul(builder.mul(x, doubled), 0.5, name);
}

export interface LayerNormalizationSettings {
  readonly axis: number;
  readonly epsilon: number;
  readonly name?: string | undefined;
}

/** One node from version 17. */
export function layerNormalization(
  builder: GraphBuilder,
  x: Value,
  scale: Value,
  bias: Value | undefined,
  { axis, epsilon, name }: LayerNormalizationSettings,
): Value {
  if (builder.opset >= 17) {
    const settings = { axis: attribute.int(axis), epsilon: attribute.float(epsilon) };
    return builder.node("LayerNormalization", [x, scale, bias], settings, name);
  }
  const rank = x.type.shape.length;
  const first = axis < 0 ? axis + rank : axis;
  const axes = Array.from({ length: rank - first }, (_, index) => first + index);
  const centred = builder.sub(x, builder.reduceMean(x, axes));
  const variance = builder.reduceMean(builder.mul(centred, centred), axes);
  const normal = builder.div(centred, builder.sqrt(builder.add(variance, epsilon)));
  if (bias === undefined) return builder.mul(normal, scale, name);
  return builder.add(builder.mul(normal, scale), bias, name);
}
