import { float32Tensor, type Graph, GraphBuilder, pruneGraph, type Tensor, type Value } from "../onnx/index.js";
import {
  buildHead,
  type FeatureStatistics,
  featureName,
  type HeadSpecification,
  headLayers,
  joinFeatures,
  poolFeature,
} from "./heads/index.js";
import type { PreparedEncoder } from "./prepare-encoder.js";
import type { TrainingGraph } from "./training-graph.js";

/** Outputs of a tail graph: `[batch, dims]` of unit length, and `[batch, width]` as joined, before `standardise`. */
export const TAIL = { embedding: "tail/embedding", features: "tail/features" } as const;

/** What of a training an inference graph holds as constants. */
export interface TunedHead {
  readonly head: HeadSpecification;
  readonly headPrefix: string;
  /** Tuned weights of trunk and head by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly statistics: FeatureStatistics | undefined;
}

/**
 * The frozen part, batch open: photos → boundary values and frozen features. `undefined` where nothing is frozen.
 */
export function trunkGraph(encoder: PreparedEncoder, training: TrainingGraph): Graph | undefined {
  const builder = GraphBuilder.from({ ...encoder.graph, outputs: [] });
  for (const { name } of training.cut.boundary) if (name !== encoder.image) builder.output(builder.value(name));
  for (const feature of training.frozenFeatures) {
    const value = builder.value(feature.value);
    builder.output(poolFeature(builder, value, feature, featureName(feature)), featureName(feature));
  }
  const graph = pruneGraph(builder.graph());
  return graph.outputs.length === 0 ? undefined : graph;
}

/** The trained part, static batch: boundary values and frozen features → embedding. For photos whose trunk is cached. */
export function tailGraph(training: TrainingGraph, tuned: TunedHead): Graph {
  const { tail } = training.cut;
  const builder = GraphBuilder.from(withWeights({ ...tail, outputs: [] }, tuned.weights));
  const fed = new Map(
    training.boundary
      .filter(({ name }) => !tail.inputs.some((input) => input.name === name))
      .map(({ name, type }) => [name, builder.input(name, type.elementType, type.shape)] as const),
  );
  const frozen = new Set(training.frozenFeatures);
  const pooled = tuned.head.features.map((feature) => {
    const value = frozen.has(feature) ? fed.get(featureName(feature)) : undefined;
    return value ?? poolFeature(builder, builder.value(feature.value), feature);
  });
  const joined = joinFeatures(builder, pooled);
  const embedding = tunedHead(builder, joined, tuned, TAIL.embedding);
  builder.output(embedding, TAIL.embedding);
  builder.output(joined, TAIL.features);
  return pruneGraph(builder.graph());
}

/** The whole tuned model, batch open: photos → embedding. Weights keep their names. */
export function exportGraph(encoder: PreparedEncoder, tuned: TunedHead): Graph {
  const builder = GraphBuilder.from(withWeights({ ...encoder.graph, outputs: [] }, tuned.weights));
  const pooled = tuned.head.features.map((feature) => poolFeature(builder, builder.value(feature.value), feature));
  builder.output(tunedHead(builder, joinFeatures(builder, pooled), tuned, "embedding"));
  return pruneGraph(builder.graph());
}

function tunedHead(builder: GraphBuilder, joined: Value, tuned: TunedHead, name: string): Value {
  const { head, headPrefix: prefix, statistics } = tuned;
  const width = Number(joined.type.shape[1]);
  const weights = new Map<string, Value>();
  for (const layer of headLayers(head, width, prefix)) {
    for (const weight of [layer.weight, layer.bias]) {
      const tensor = tuned.weights.get(weight);
      if (tensor) weights.set(weight, builder.initialiser(weight, tensor));
    }
  }
  const standard = head.standardise && {
    mean: builder.initialiser(`${prefix}/mean`, float32Tensor([width], statistics?.mean ?? new Float32Array(width))),
    inverseDeviation: builder.initialiser(`${prefix}/inverse deviation`, inverseDeviation(statistics, width)),
  };
  return buildHead(builder, joined, head, { prefix, weights, ...(standard && { standard }) }, name);
}

/** 1 / deviation; a feature that never moves is left as it is. */
export function inverseDeviation(statistics: FeatureStatistics | undefined, width: number): Tensor {
  const values = new Float32Array(width).fill(1);
  for (const [index, deviation] of (statistics?.deviation ?? []).entries()) {
    values[index] = deviation > 1e-6 ? 1 / deviation : 1;
  }
  return float32Tensor([width], values);
}

function withWeights(graph: Graph, weights: ReadonlyMap<string, Tensor>): Graph {
  const tuned = [...graph.initialisers].map(([name, tensor]) => [name, weights.get(name) ?? tensor] as const);
  return { ...graph, initialisers: new Map(tuned) };
}
