import {
  checkGraph,
  type Graph,
  type GraphValue,
  inferShapes,
  modelOf,
  readModel,
  writeModel,
} from "../../onnx/index.js";
import { ModelsUnfit } from "./export.errors.js";

/** Name of what every trained model gives: `[batch, dims]`, unit length. */
export const EMBEDDING = "embedding";

/** A trained model, read. */
export interface EmbeddingModel {
  readonly graph: Graph;
  /** Its one input: photos. */
  readonly image: GraphValue;
  readonly dims: number;
}

/** @throws ModelsUnfit when it is not of the form photos → "embedding", and what reading a model throws */
export function readEmbeddingModel(bytes: Uint8Array): EmbeddingModel {
  const graph = inferShapes(readModel(bytes).graph);
  const fed = graph.inputs.filter(({ name }) => !graph.initialisers.has(name));
  const [image] = fed;
  const [output] = graph.outputs;
  const dims = output?.type?.shape[1];
  const complete = fed.length === 1 && graph.outputs.length === 1 && output?.name === EMBEDDING;
  if (image === undefined || !complete || output?.type?.shape.length !== 2 || typeof dims !== "number") {
    throw new ModelsUnfit(
      `The model gives ${graph.outputs.map(({ name }) => name).join(", ")} of ${fed.length} inputs; only models that ` +
        `give one "${EMBEDDING}" [batch, dims] of one input can be put together. Use a model that was trained here.`,
    );
  }
  return { graph, image, dims };
}

/** Bytes of a finished graph, after it was checked. @throws what checkGraph throws */
export function writeEmbeddingModel(graph: Graph): Uint8Array {
  checkGraph(graph);
  return writeModel(modelOf(graph));
}

/** The same graph with one of its values, and the node named after it, under another name that is free. */
export function renameValue(
  graph: Graph,
  from: string,
  wanted: string,
): { readonly graph: Graph; readonly name: string } {
  const name = freeName(wanted, new Set([...namesOf(graph), ...graph.nodes.map((node) => node.name)]));
  const rename = (value: string) => (value === from ? name : value);
  const renamed: Graph = {
    ...graph,
    inputs: graph.inputs.map((input) => ({ ...input, name: rename(input.name) })),
    outputs: graph.outputs.map((output) => ({ ...output, name: rename(output.name) })),
    initialisers: new Map([...graph.initialisers].map(([key, tensor]) => [rename(key), tensor])),
    valueTypes: new Map([...graph.valueTypes].map(([key, type]) => [rename(key), type])),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: rename(node.name),
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
  };
  return { graph: renamed, name };
}

export function namesOf(graph: Graph): Set<string> {
  return new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initialisers.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
}

export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}_${number}`;
  return name;
}
