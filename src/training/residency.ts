import { elementCount, type Graph, type Tensor, type TensorType } from "../onnx/index.js";
import { bytesPerElement } from "../onnx/tensor.js";
import { arraysOf, type OptimiserSpecification } from "./optimisers/index.js";
import { runtimeOrder } from "./step-order.js";

/** What a training holds in memory, in bytes, by the shapes of its graphs. */
export interface Residency {
  /** Weights, their gradients, and what optimiser and average remember of each. */
  readonly weights: number;
  /** Weights that do not train: as written, in the runtime, and in the form that its kernels take. */
  readonly constants: number;
  /** The encoder in the form that is cut, and what the runtime itself takes. */
  readonly model: number;
  /** What is fed of every batch. */
  readonly fed: number;
  /** The most that lives at one time between the first node and the last, and the scratch space of kernels. */
  readonly activations: number;
  readonly total: number;
}

/** Nodes whose output is their input under another shape; the runtime shares the memory. */
const viewOperators: ReadonlySet<string> = new Set(["Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"]);

/** Of live values: the runtime's arena grows in steps and has holes. */
const ARENA_SHARE = 1.25;
/** Of the weights in training: filters in other layouts, and gradients before they are in their last shape. */
const SCRATCH_SHARE = 2;
/** Code, graphs and threads of a session, whatever its size. */
const RUNTIME_BYTES = 60 * 2 ** 20;

/** Copies of every trained weight besides itself and its gradient. */
export function copiesOf(optimiser: OptimiserSpecification, averages: boolean): number {
  return arraysOf(optimiser) + (averages ? 1 : 0);
}

/** What there is besides the step itself. */
export interface Frozen {
  /** The encoder in normal form. */
  readonly encoder: Graph;
  /** The part that is run without gradients. */
  readonly trunk: Graph | undefined;
}

/**
 * What the process grows by, from the shapes of a step: every value lives from the node that makes it to the last one
 * that reads it, in the order in which the runtime takes nodes. On the CPU 0 to 22 % above what was measured for
 * MobileNetV2, ResNet-50 and ViT-S/16, plain and lowered, whole and cut (docs/decisions/121).
 * @param trained names of the inputs that are weights
 * @param copies of every trained weight, besides itself and its gradient
 */
export function estimateResidency(
  graph: Graph,
  trained: ReadonlySet<string>,
  copies: number,
  frozen?: Frozen,
): Residency {
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const fedBytes = (weights: boolean) =>
    sum(graph.inputs.filter(({ name }) => trained.has(name) === weights).map(({ type }) => bytesOf(type)));
  const constantBytes = (of: Graph | undefined) => sum([...(of?.initialisers.values() ?? [])].map(bytesOf));
  const trainedBytes = fedBytes(true);
  const parts = {
    weights: trainedBytes * (2 + copies),
    constants: 3 * (constantBytes(graph) + constantBytes(frozen?.trunk)),
    model: constantBytes(frozen?.encoder) + RUNTIME_BYTES,
    fed: fedBytes(false),
    activations: Math.ceil(largestLiveSum(graph) * ARENA_SHARE) + SCRATCH_SHARE * trainedBytes,
  };
  return { ...parts, total: sum(Object.values(parts)) };
}

function largestLiveSum(given: Graph): number {
  const graph = runtimeOrder(given);
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
