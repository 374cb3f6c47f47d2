import type { Node } from "../graph.type.js";
import type { Rewrite } from "./rewrite.type.js";
import { groupOf, padChannels } from "./widening.js";

/**
 * Grouped convolutions with four filters a group or more, whose filters in all come in fours or twos and those of a
 * group do not: the provider computes neighbours together that belong to two groups. Filters of zeros up to the next
 * four in every group, and their results cut off.
 */
export const widenGroups: Rewrite = (node, context) => {
  const group = groupOf(node);
  if (node.operator !== "Conv" || group === 1) return undefined;
  const [image = "", filters = "", bias = ""] = node.inputs;
  const [output = ""] = node.outputs;
  const [count = 0, channels = 0, ...kernel] = (context.shape(filters) ?? []).map(Number);
  // In a shape to be given, 0 keeps the size: a batch may be open.
  const [samples = 0, , ...places] = context.shape(output) ?? [];
  const each = count / group;
  const together = count % 4 === 0 ? 4 : count % 2 === 0 ? 2 : 1;
  if (each < 4 || each % together === 0) return undefined;
  const missing = 4 - (each % 4);
  const wide = each + missing;
  const prefix = `webgpu/${output}`;
  const widened = (input: string, name: string, rest: readonly number[], joined: readonly number[]): Node[] => [
    context.node("Reshape", [input, context.list([group, each, ...rest])], `${prefix}/${name} by group`),
    padChannels(context, `${prefix}/${name} by group`, `${prefix}/${name} padded`, rest.length + 2, missing),
    context.node("Reshape", [`${prefix}/${name} padded`, context.list(joined)], `${prefix}/${name}`),
  ];
  const hasBias = bias !== "";
  return [
    ...widened(filters, "filters", [channels, ...kernel], [group * wide, channels, ...kernel]),
    ...(hasBias ? widened(bias, "bias", [], [group * wide]) : []),
    {
      ...node,
      inputs: [image, `${prefix}/filters`, ...(hasBias ? [`${prefix}/bias`] : [])],
      outputs: [`${prefix}/wide`],
    },
    context.node(
      "Reshape",
      [`${prefix}/wide`, context.list([samples, group, wide, ...places.map(Number)])],
      `${prefix}/wide by group`,
    ),
    context.node(
      "Slice",
      [`${prefix}/wide by group`, context.list([0]), context.list([each]), context.list([2])],
      `${prefix}/cut`,
    ),
    context.node("Reshape", [`${prefix}/cut`, context.list([samples, count, ...places.map(Number)])], output),
  ];
};
