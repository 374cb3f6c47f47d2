import { type Graph, inferShapes, inferValues, int64List, type Node, type Tensor } from "../onnx/index.js";

/**
 * The same graph without convolutions that the WebGPU provider of ONNX Runtime 1.30 computes wrongly: over more than
 * three channels whose number divides by three and not by four, to filters in fours (decision 101). They get channels of
 * zeros up to the next four. A gradient of weights is such a convolution with the batch as channels, so that a batch of
 * 30 would train on noise.
 */
export function webGpuForm(graph: Graph): Graph {
  const { types } = inferValues(graph);
  const initialisers = new Map(graph.initialisers);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [image = "", filters = "", ...rest] = node.inputs;
    const channels = types.get(filters)?.shape[1];
    if (node.operator !== "Conv" || node.domain !== "" || !isWrong(node, channels, types.get(filters)?.shape[0])) {
      return [node];
    }
    const missing = 4 - (Number(channels) % 4);
    const rank = types.get(filters)?.shape.length ?? 4;
    const pads = `webgpu/${rank} axes, ${missing} channels`;
    initialisers.set(pads, channelPads(rank, missing));
    const pad = (input: string, output: string): Node => ({
      name: output,
      operator: "Pad",
      domain: "",
      inputs: [input, pads],
      outputs: [output],
      attributes: new Map(),
    });
    const [wideImage, wideFilters] = [`webgpu/${node.name}/image`, `webgpu/${node.name}/filters`];
    return [pad(image, wideImage), pad(filters, wideFilters), { ...node, inputs: [wideImage, wideFilters, ...rest] }];
  });
  return inferShapes({ ...graph, nodes, initialisers });
}

function isWrong(node: Node, channels: unknown, filters: unknown): boolean {
  const group = node.attributes.get("group");
  if (group?.kind === "int" && group.value !== 1) return false;
  if (typeof channels !== "number" || typeof filters !== "number") return false;
  return channels > 3 && channels % 3 === 0 && channels % 4 !== 0 && filters % 4 === 0;
}

/** Nothing before, `missing` channels after the second axis. */
function channelPads(rank: number, missing: number): Tensor {
  return int64List(Array.from({ length: 2 * rank }, (_, index) => (index === rank + 1 ? missing : 0)));
}
