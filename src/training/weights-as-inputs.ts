import type { Graph, GraphValue, Tensor } from "../onnx/index.js";
import type { Trainable } from "./training-graph.js";

/** Weights are fed with every step, because they change. */
export function weightsAsInputs(graph: Graph, weights: readonly string[]): Graph {
  const initialisers = new Map(graph.initialisers);
  const inputs = weights.flatMap((name): GraphValue[] => {
    const tensor = initialisers.get(name);
    initialisers.delete(name);
    return tensor ? [{ name, type: { elementType: tensor.elementType, shape: tensor.shape } }] : [];
  });
  return { ...graph, inputs: [...graph.inputs, ...inputs], initialisers };
}

/** Weights that turned out to have no gradient go back among the constants. */
export function fedWithTrainables(
  graph: Graph,
  candidates: readonly string[],
  trainables: readonly Trainable[],
  tail: Graph,
  headTensors: ReadonlyMap<string, Tensor>,
): Graph {
  const trained = new Set(trainables.map(({ name }) => name));
  const idle = candidates.filter((name) => !trained.has(name));
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const constants = idle.flatMap((name) => {
    const tensor = headTensors.get(name) ?? tail.initialisers.get(name);
    return tensor && read.has(name) ? [[name, tensor] as const] : [];
  });
  return {
    ...graph,
    inputs: graph.inputs.filter(({ name }) => !idle.includes(name) && read.has(name)),
    initialisers: new Map([...graph.initialisers, ...constants]),
  };
}
