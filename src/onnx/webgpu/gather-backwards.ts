import { attribute } from "../attributes.js";
import type { Node } from "../graph.type.js";
import type { Rewrite } from "./rewrite.type.js";

/**
 * A slice that goes backwards: unless it begins at the last element, the provider takes others than it should. The
 * elements of such axes are gathered by their places.
 */
export const gatherBackwards: Rewrite = (node, context) => {
  if (node.operator !== "Slice") return undefined;
  const [input = "", ...settings] = node.inputs;
  const [output = ""] = node.outputs;
  const [starts, ends, axes, steps] = settings.map((name) => context.numbers(name));
  const [from, to] = [context.shape(input), context.shape(output)];
  if (!starts || !ends || !steps?.some((step) => step < 0) || !from || !to) return undefined;
  const ranges = starts.map((start, index) => {
    const axis = ((axes?.[index] ?? index) + from.length) % from.length;
    return { axis, start, end: ends[index] ?? 0, step: steps[index] ?? 1 };
  });
  const nodes: Node[] = [];
  let current = input;
  const next = (count: number) => (count === 0 ? output : `webgpu/${output}/${count} to go`);
  const forwards = ranges.filter(({ step }) => step > 0);
  const backwards = ranges.filter(({ step }) => step < 0);
  if (backwards.some(({ axis }) => from[axis] === undefined || to[axis] === undefined)) return undefined;
  if (forwards.length > 0) {
    const lists = (["start", "end", "axis", "step"] as const).map((key) =>
      context.list(forwards.map((range) => range[key])),
    );
    nodes.push(context.node("Slice", [input, ...lists], next(backwards.length)));
    current = next(backwards.length);
  }
  for (const [index, { axis, start, step }] of backwards.entries()) {
    const size = from[axis] ?? 0;
    const first = Math.min(start < 0 ? start + size : start, size - 1);
    const places = Array.from({ length: to[axis] ?? 0 }, (_, place) => first + place * step);
    const made = next(backwards.length - index - 1);
    nodes.push(context.node("Gather", [current, context.list(places)], made, { axis: attribute.int(axis) }));
    current = made;
  }
  return nodes;
};
