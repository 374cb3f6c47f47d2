import { elementCount, type Graph, type Tensor, type TensorType } from "../onnx/index.js";
import { bytesPerElement } from "../onnx/tensor.js";
import { arraysOf, type OptimiserSpecification } from "./optimisers/index.js";

/** What a training step holds in memory, in bytes, by the shapes of its graph. */
export interface Residency {
  /** Weights, their gradients, and what optimiser and average remember of each. */
  readonly weights: number;
  /** Frozen constants inside the step: in the graph, and in the runtime. */
  readonly constants: number;
  /** What is fed of every batch. */
  readonly fed: number;
  /** The most that lives at one time between the first node and the last. */
  readonly activations: number;
  readonly total: number;
}

/** Nodes whose output is their input under another shape; the runtime shares the memory. */
const viewOperators: ReadonlySet<string> = new Set(["Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"]);

/**
 * What the process grows by, over the sum of live values: the arena grows in steps, convolutions take scratch space.
 * Measured on the CPU, plain and lowered: 1.6 to 2.4 for MobileNetV2 (160 and 224 pixels, 8 to 32 photos), 1.2 for
 * ViT-S/16. Naming the gradients of weights in the opposite order, so that the last layer's come first, gained nothing.
 */
const ARENA_SHARE = 2.5;

/** Copies of every trained weight besides itself and its gradient. */
export function copiesOf(optimiser: OptimiserSpecification, averages: boolean): number {
  return arraysOf(optimiser) + (averages ? 1 : 0);
}

/**
 * Memory of a step by liveness: every value lives from the node that makes it to the last one that reads it.
 * @param trained names of the inputs that are weights
 */
export function estimateResidency(graph: Graph, trained: ReadonlySet<string>, copies: number): Residency {
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const fedBytes = (weights: boolean) =>
    sum(graph.inputs.filter(({ name }) => trained.has(name) === weights).map(({ type }) => bytesOf(type)));
  const weights = fedBytes(true) * (2 + copies);
  const constants = 2 * sum([...graph.initialisers.values()].map(bytesOf));
  const fed = fedBytes(false);
  const activations = Math.ceil(largestLiveSum(graph) * ARENA_SHARE);
  return { weights, constants, fed, activations, total: weights + constants + fed + activations };
}

function largestLiveSum(graph: Graph): number {
  const typeOf = (name: string) =>
    graph.valueTypes.get(name) ?? graph.outputs.find((output) => output.name === name)?.type;
  /** Value → the value whose memory it is. */
  const owner = new Map<string, string>();
  const owned = (name: string) => owner.get(name) ?? name;
  for (const node of graph.nodes) {
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (input && output && viewOperators.has(node.operator) && node.domain === "") owner.set(output, owned(input));
  }
  const lastRead = new Map<string, number>();
  for (const [position, node] of graph.nodes.entries()) {
    for (const name of node.inputs) lastRead.set(owned(name), position);
  }
  // Results are written into arrays that are counted as gradients, or are single numbers.
  for (const { name } of graph.outputs) lastRead.delete(owned(name));
  const results = new Set(graph.outputs.map(({ name }) => owned(name)));
  const living = new Map<string, number>();
  let now = 0;
  let most = 0;
  for (const [position, node] of graph.nodes.entries()) {
    for (const name of node.outputs) {
      const type = name === "" || owner.has(name) || results.has(name) ? undefined : typeOf(name);
      if (type === undefined) continue;
      living.set(name, bytesOf(type));
      now += bytesOf(type);
    }
    most = Math.max(most, now);
    for (const name of new Set([...node.inputs, ...node.outputs].map(owned))) {
      const bytes = living.get(name);
      if (bytes === undefined || (lastRead.get(name) ?? position) > position) continue;
      now -= bytes;
      living.delete(name);
    }
  }
  return most;
}

function bytesOf({ elementType, shape }: TensorType | Tensor): number {
  return elementCount(shape.map(Number)) * bytesPerElement[elementType];
}
