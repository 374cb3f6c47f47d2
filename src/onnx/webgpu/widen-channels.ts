import type { Rewrite } from "./rewrite.type.js";
import { groupOf, padChannels } from "./widening.js";

/**
 * Convolutions without groups over more than three channels, whose number divides by three and not by four, to filters
 * in fours: the provider takes channels three at a time and loses count after the first three. Channels of zeros up to
 * the next four. A gradient of weights is such a convolution with the batch as channels, so that a batch of 30 would
 * train on noise.
 */
export const widenChannels: Rewrite = (node, context) => {
  if (node.operator !== "Conv" || groupOf(node) !== 1) return undefined;
  const [image = "", filters = "", ...rest] = node.inputs;
  const [count = 0, channels = 0, ...kernel] = context.shape(filters) ?? [];
  if (channels <= 3 || channels % 3 !== 0 || channels % 4 === 0 || count % 4 !== 0) return undefined;
  const missing = 4 - (channels % 4);
  const rank = kernel.length + 2;
  const prefix = `webgpu/${node.outputs[0]}`;
  return [
    padChannels(context, image, `${prefix}/image`, rank, missing),
    padChannels(context, filters, `${prefix}/filters`, rank, missing),
    { ...node, inputs: [`${prefix}/image`, `${prefix}/filters`, ...rest] },
  ];
};
