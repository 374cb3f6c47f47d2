import type { Rewrite } from "./rewrite.type.js";
import { groupOf, padChannels } from "./widening.js";

/**
 * Grouped transposed convolutions of one channel a group from an even number of channels: the provider addresses the
 * filters of every group but the first wrongly. A second channel of zeros, and every other result taken. The gradient
 * of a depthwise convolution with two filters a channel is one.
 */
export const widenTransposed: Rewrite = (node, context) => {
  const group = groupOf(node);
  if (node.operator !== "ConvTranspose" || group === 1) return undefined;
  const [image = "", filters = "", bias = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const [channels = 0, each = 0, ...kernel] = context.shape(filters) ?? [];
  if (each !== 1 || (channels / group) % 2 !== 0 || bias !== "") return undefined;
  const prefix = `webgpu/${output}`;
  return [
    padChannels(context, filters, `${prefix}/filters`, kernel.length + 2, 1),
    { ...node, inputs: [image, `${prefix}/filters`], outputs: [`${prefix}/wide`] },
    context.node(
      "Slice",
      [`${prefix}/wide`, context.list([0]), context.list([2 * group]), context.list([1]), context.list([2])],
      output,
    ),
  ];
};
