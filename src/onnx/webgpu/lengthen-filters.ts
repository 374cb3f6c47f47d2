import { attribute } from "../attributes.js";
import type { Node } from "../graph.type.js";
import type { Rewrite } from "./rewrite.type.js";
import { groupOf } from "./widening.js";

/**
 * Convolutions padded behind the image only, with filters of one place or of the image's own size: the provider takes
 * them for one matrix product and forgets the padding. Filters are lengthened by zeros and the padding with them. The
 * gradient of weights under TensorFlow's uneven padding is such a convolution.
 */
export const lengthenFilters: Rewrite = (node, context) => {
  if (node.operator !== "Conv" || groupOf(node) !== 1) return undefined;
  const [image = "", filters = "", ...rest] = node.inputs;
  const [output = ""] = node.outputs;
  const places = context.shape(image)?.slice(2) ?? [];
  const results = context.shape(output)?.slice(2) ?? [];
  const kernel = (context.shape(filters)?.slice(2) ?? []).map(Number);
  const strides = numbers(node, "strides") ?? kernel.map(() => 1);
  const dilations = numbers(node, "dilations") ?? kernel.map(() => 1);
  const pads = numbers(node, "pads") ?? impliedPads(node, places, results, kernel, strides, dilations);
  const before = pads.slice(0, kernel.length);
  const after = pads.slice(kernel.length);
  const axis = after.findIndex((pad) => pad > 0);
  const wholeImage = kernel.every((size, index) => size === places[index]);
  const onePlace = kernel.every((size, index) => size === 1 && strides[index] === 1);
  if (axis < 0 || before.some((pad) => pad > 0) || !(wholeImage || onePlace)) return undefined;
  const size = kernel[axis] ?? 1;
  const more = size + 1 === places[axis] ? 2 : 1;
  const [count = 0, channels = 0] = context.shape(filters) ?? [];
  const attributes = new Map(node.attributes);
  attributes.delete("auto_pad");
  attributes.set(
    "kernel_shape",
    attribute.ints(kernel.map((length, index) => (index === axis ? length + more : length))),
  );
  attributes.set(
    "pads",
    attribute.ints([
      ...before,
      ...after.map((pad, index) => (index === axis ? pad + more * (dilations[axis] ?? 1) : pad)),
    ]),
  );
  const long = `webgpu/${output}/long filters`;
  // Not by Pad, which the runtime would take for padding of the image and join with the convolution.
  const zeros = context.zeros([count, channels, ...kernel.map((length, index) => (index === axis ? more : length))]);
  return [
    context.node("Concat", [filters, zeros], long, { axis: attribute.int(axis + 2) }),
    { ...node, inputs: [image, long, ...rest], attributes },
  ];
};

function numbers({ attributes }: Node, name: string): readonly number[] | undefined {
  const found = attributes.get(name);
  return found?.kind === "ints" ? found.value : undefined;
}

/** Padding that `auto_pad` stands for. */
function impliedPads(
  { attributes }: Node,
  places: readonly (number | undefined)[],
  results: readonly (number | undefined)[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): readonly number[] {
  const mode = attributes.get("auto_pad");
  const upper = mode?.kind === "string" && mode.value === "SAME_UPPER";
  const lower = mode?.kind === "string" && mode.value === "SAME_LOWER";
  if (!upper && !lower) return kernel.map(() => 0).flatMap((pad) => [pad, pad]);
  const totals = kernel.map((size, axis) => {
    const reach = ((results[axis] ?? 1) - 1) * (strides[axis] ?? 1) + (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, reach - (places[axis] ?? 0));
  });
  const before = totals.map((total) => (upper ? Math.floor(total / 2) : Math.ceil(total / 2)));
  return [...before, ...totals.map((total, axis) => total - (before[axis] ?? 0))];
}
