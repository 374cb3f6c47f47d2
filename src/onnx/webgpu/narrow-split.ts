import type { Rewrite } from "./rewrite.type.js";

/** A shader may bind twelve buffers here: what is split, eleven parts. */
const MOST_PARTS = 11;

/** A split into many parts, one slice a part. The provider refuses more buffers than a shader may bind. */
export const narrowSplit: Rewrite = (node, context) => {
  if (node.operator !== "Split" || node.outputs.length <= MOST_PARTS) return undefined;
  const [input = ""] = node.inputs;
  const shape = context.shape(input);
  if (shape === undefined) return undefined;
  const given = node.attributes.get("axis");
  const axis = ((given?.kind === "int" ? given.value : 0) + shape.length) % shape.length;
  let end = 0;
  return node.outputs.flatMap((output) => {
    const start = end;
    end += context.shape(output)?.[axis] ?? 0;
    if (output === "") return [];
    return [context.node("Slice", [input, context.list([start]), context.list([end]), context.list([axis])], output)];
  });
};
