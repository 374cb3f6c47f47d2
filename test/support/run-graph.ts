import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { elementCount, type Graph, modelOf, writeModel } from "../../src/onnx/index.js";

/** Outputs of a graph of floats, fed with drawn numbers from −.45 to .55: the same ones for the same inputs and seed. */
export async function runGraph(graph: Graph, seed: number): Promise<Map<string, Float32Array>> {
  let state = seed;
  const next = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff - 0.45;
  };
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 4 });
  const feeds = graph.inputs.map(({ name, type }) => {
    const shape = type.shape.map(Number);
    return [name, new RuntimeTensor("float32", Float32Array.from({ length: elementCount(shape) }, next), shape)];
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}
