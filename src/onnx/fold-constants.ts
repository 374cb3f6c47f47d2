import { InferenceSession, type Tensor as RuntimeTensor } from "onnxruntime-node";
import { isStatic } from "./dimensions.js";
import type { ElementType, Graph, Node, Tensor, TensorType } from "./graph.type.js";
import { inferValues } from "./infer-shapes.js";
import { isTensor } from "./known-value.js";
import { modelOf } from "./model.js";
import { OnnxFeatureUnsupported } from "./onnx.errors.js";
import { writeModel } from "./protobuf/write-model.js";
import { pruneGraph } from "./prune-graph.js";
import { bytesPerElement, elementCount } from "./tensor.js";

/** A result above this stays a node: a small constant may blow up to any size (Expand, ConstantOfShape). */
const largestFoldedBytes = 256 * 2 ** 20;

/**
 * The same graph with everything that follows from constants and static shapes computed once and stored under the
 * value's own name. Shape arithmetic comes out of shape inference; the rest (casts, transposes and sums of weights) is
 * run by onnxruntime itself, so that it is rounded as it would be at run time.
 * @throws ShapeUnknown, DynamicControlFlow, QuantisedGraph
 */
export async function foldConstants(graph: Graph): Promise<Graph> {
  const { types, values } = inferValues(graph);
  const initialisers = new Map(graph.initialisers);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const constantNodes: Node[] = [];
  const made = new Set<string>();
  const nodes = graph.nodes.filter((node) => {
    const results = node.outputs.filter((name) => name !== "");
    if (results.some((name) => outputs.has(name))) return true;
    const known = results.map((name) => values.get(name));
    if (known.every((value): value is Tensor => value !== undefined && isTensor(value))) {
      known.forEach((value, position) => {
        initialisers.set(results[position] as string, value);
      });
      return false;
    }
    const constant = node.inputs.every((name) => name === "" || initialisers.has(name) || made.has(name));
    if (!constant || !canRunAlone(node, types)) return true;
    constantNodes.push(node);
    for (const name of results) made.add(name);
    return false;
  });
  const wanted = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => made.has(name)));
  const results = await run(
    { ...graph, inputs: [], initialisers, nodes: constantNodes, valueTypes: new Map() },
    types,
    wanted,
  );
  for (const [name, tensor] of results) initialisers.set(name, tensor);
  return pruneGraph({ ...graph, nodes, initialisers });
}

function canRunAlone(node: Node, types: ReadonlyMap<string, TensorType>): boolean {
  if (node.domain !== "") return false;
  return node.outputs.every((name) => {
    const type = types.get(name);
    if (type === undefined || !isStatic(type.shape)) return name === "";
    return elementCount(type.shape) * bytesPerElement[type.elementType] <= largestFoldedBytes;
  });
}

async function run(
  graph: Graph,
  types: ReadonlyMap<string, TensorType>,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Tensor>> {
  if (wanted.size === 0) return new Map();
  const outputs = [...wanted].map((name) => ({ name, type: types.get(name) }));
  const bytes = writeModel(modelOf(pruneGraph({ ...graph, outputs })));
  const session = await InferenceSession.create(bytes, { executionProviders: ["cpu"], logSeverityLevel: 3 });
  try {
    const results = await session.run({});
    return new Map(outputs.map(({ name, type }) => [name, constantOf(name, type, results[name])]));
  } finally {
    await session.release();
  }
}

function constantOf(name: string, type: TensorType | undefined, result: RuntimeTensor | undefined): Tensor {
  const data = result?.data;
  if (type === undefined || result === undefined || !ArrayBuffer.isView(data)) {
    throw new OnnxFeatureUnsupported(`The constant "${name}" has no numbers. Export the model again without it.`);
  }
  const elementType: ElementType = type.elementType;
  return {
    elementType,
    shape: result.dims,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
  };
}
