import { attribute } from "./attributes.js";
import type { Value } from "./graph-assembly.js";
import type { GraphBuilder } from "./graph-builder.js";
import { type ConvSettings, type PoolSettings, poolAttributes, windowAttributes } from "./window-settings.js";

/** [N, C, H, W] ∗ [M, C / group, h, w] (+ [M]) → [N, M, …]. */
export function conv(
  g: GraphBuilder,
  image: Value,
  filters: Value,
  bias: Value | undefined,
  settings: ConvSettings,
): Value {
  const { group = 1, name } = settings;
  const kernel = filters.type.shape.slice(2).filter((size): size is number => typeof size === "number");
  const window = { ...windowAttributes(settings), kernel_shape: attribute.ints(kernel), group: attribute.int(group) };
  return g.node("Conv", [image, filters, bias], window, name);
}

export function averagePool(g: GraphBuilder, image: Value, settings: PoolSettings): Value {
  const counted = { ...poolAttributes(settings), count_include_pad: attribute.flag(settings.countPadding ?? false) };
  return g.node("AveragePool", [image], counted, settings.name);
}

export function maxPool(g: GraphBuilder, image: Value, settings: PoolSettings): Value {
  return g.node("MaxPool", [image], poolAttributes(settings), settings.name);
}
