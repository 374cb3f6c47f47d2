import type { Node } from "../graph.type.js";
import type { RewriteContext } from "./rewrite.type.js";

export function groupOf({ attributes }: Node): number {
  const group = attributes.get("group");
  return group?.kind === "int" ? group.value : 1;
}

/** `missing` zeros behind the second axis. */
export function padChannels(context: RewriteContext, input: string, output: string, rank: number, missing: number) {
  const pads = Array.from({ length: 2 * rank }, (_, index) => (index === rank + 1 ? missing : 0));
  return context.node("Pad", [input, context.list(pads)], output);
}
