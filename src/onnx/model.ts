import type { Graph, Model } from "./graph.type.js";

/** A model around a graph of ours, in the oldest IR version that holds its operator set. */
export function modelOf(graph: Graph, metadata: ReadonlyMap<string, string> = new Map()): Model {
  return { graph, irVersion: irVersionFor(graph.opset), producerName: "lookalike", producerVersion: "", metadata };
}

/** Table "Released versions" of the format's Versioning.md: IR 7 came with opset 13, 8 with 15, 9 with 19, 10 with 21. */
function irVersionFor(opset: number): number {
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  return opset >= 15 ? 8 : 7;
}
