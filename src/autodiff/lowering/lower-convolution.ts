import { type Attribute, attribute, type GraphBuilder, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { alignedTo, blockedNode } from "./channel-blocks.js";
import { blockedBias, denseFilter, fewChannelsFilter } from "./filter-layouts.js";
import type { ConvolutionGeometry } from "./gradient-form.type.js";
import type { LoweredValues } from "./lowered-values.js";

export interface Activation {
  readonly operator: "Relu" | "Clip";
  readonly bounds: readonly [number, number] | undefined;
}

export interface BlockedConvolution {
  readonly geometry: Omit<ConvolutionGeometry, "group">;
  readonly padsAfter: readonly [number, number];
  readonly group: number;
  readonly activation?: Activation | undefined;
}

export type ConvolutionKind = "dense" | "depthwise" | undefined;

/** Which blocked kernel a convolution has, if any: [C, I] are the image's channels and the filter's. */
export function convolutionKind(channels: number, filter: readonly number[], group: number): ConvolutionKind {
  if (filter.length !== 4) return undefined;
  if (group === 1) return filter[1] === channels ? "dense" : undefined;
  return group === channels && filter[0] === channels && filter[1] === 1 ? "depthwise" : undefined;
}

/**
 * y = x ∗ w + b with channels in blocks, filters laid out by the graph itself because they change with every step; the
 * runtime's own optimiser lays out constant ones only. ReLU and clipping are done while a tile is in the cache.
 */
export function lowerConvolution(
  values: LoweredValues,
  x: string,
  w: string,
  bias: string | undefined,
  convolution: BlockedConvolution,
): Value {
  const { graph: g, block } = values;
  const filter = values.plain(w);
  const [outputs = 1] = shapeOf(filter);
  const channels = values.shape(x)[1] ?? 1;
  const isDepthwise = convolution.group > 1;
  const staysPlain = !isDepthwise && channels < block && !values.isBlocked(x);
  const image = staysPlain ? values.plain(x) : values.blocked(x);
  const laid = isDepthwise || staysPlain ? fewChannelsFilter(g, filter, block) : denseFilter(g, filter, block);
  const b = bias === undefined ? undefined : blockedBias(g, values.plain(bias), block);
  return blockedConvolution(g, image, laid, b, {
    ...convolution,
    group: isDepthwise ? alignedTo(block, outputs) : 1,
  });
}

/** The internal operator. All three tensors in its layouts. */
export function blockedConvolution(
  g: GraphBuilder,
  image: Value,
  filter: Value,
  bias: Value | undefined,
  { geometry, padsAfter, group, activation }: BlockedConvolution,
): Value {
  const { kernel, strides, dilations, padsBefore } = geometry;
  const [n = 1, , ...places] = shapeOf(image);
  const sizes = places.map((size, axis) => {
    const reach = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    const room = size + (padsBefore[axis] ?? 0) + (padsAfter[axis] ?? 0) - reach;
    return Math.floor(room / (strides[axis] ?? 1)) + 1;
  });
  const settings: Record<string, Attribute | undefined> = {
    kernel_shape: attribute.ints(kernel),
    strides: attribute.ints(strides),
    dilations: attribute.ints(dilations),
    pads: attribute.ints([...padsBefore, ...padsAfter]),
    group: attribute.int(group),
    activation: activation && attribute.text(activation.operator),
    activation_params: activation?.bounds && attribute.floats(activation.bounds),
  };
  return blockedNode(g, "Conv", [image, filter, bias], settings, [n, shapeOf(filter)[0] ?? 1, ...sizes]);
}
