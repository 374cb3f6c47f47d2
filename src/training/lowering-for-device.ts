import { cpuLowering } from "../autodiff/lowering/index.js";
import type { Graph } from "../onnx/index.js";
import { lastLayerFirst } from "./step-order.js";
import type { TrainerOptions } from "./trainer.type.js";

/**
 * How a step is rewritten for its device: what the caller asks for, or the fast forms of the CPU after a probe; then put
 * in the order that takes the least memory.
 */
export async function loweringFor(
  options: Pick<TrainerOptions, "device" | "lower">,
): Promise<(graph: Graph) => Promise<Graph>> {
  const lower = await kernelForms(options);
  return async (graph) => lastLayerFirst(await lower(graph));
}

async function kernelForms({
  device = "cpu",
  lower,
}: Pick<TrainerOptions, "device" | "lower">): Promise<(graph: Graph) => Graph | Promise<Graph>> {
  if (lower) return lower;
  if (device !== "cpu") return (graph) => graph;
  return cpuLowering((reason) => process.emitWarning(reason, { code: "CPU_LOWERING_UNUSABLE" }));
}
