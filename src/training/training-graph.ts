import {
  type CutGraph,
  differentiate,
  type gradientRules,
  joinGelu,
  NothingToTrain,
  nameOutputs,
  pickEarly,
  splitGelu,
  trainablesOf,
} from "../autodiff/index.js";
import {
  bindDimensions,
  type Graph,
  GraphBuilder,
  type GraphValue,
  inferShapes,
  type Tensor,
  type Value,
} from "../onnx/index.js";
import { cutForBatch } from "./cut-for-batch.js";
import {
  buildHead,
  checkHead,
  type FeatureSpecification,
  featureName,
  firstHeadWeights,
  type HeadSpecification,
  headLayers,
  joinFeatures,
  poolFeature,
} from "./heads/index.js";
import { type LossSpecification, lossOf } from "./losses/index.js";
import { BATCH, type PreparedEncoder } from "./prepare-encoder.js";
import { BatchUnusable, TrainingUnfit } from "./training.errors.js";
import { finiteWeight, requireOpenBatch, requireRowPerPhoto } from "./usable-values.js";
import { fedWithTrainables, weightsAsInputs } from "./weights-as-inputs.js";

/** Names of what a training graph reads and gives besides boundary values, weights and gradients. */
export const STEP = {
  /** int32 `[batch]`. */
  labels: "step/labels",
  /** float32 `[batch]`, 1 or 0; 0 for photos that are compared with but take no turn as anchor. */
  anchors: "step/anchors",
  /** float32 `[slots, dims]` and int32 `[slots]`, −1 for an empty slot. */
  memoryEmbeddings: "step/memory embeddings",
  memoryLabels: "step/memory labels",
  /** float32 `[batch, width]`: dropout. */
  mask: "step/mask",
  /** float32 `[width]`: features are taken as (x − mean) · inverse deviation. */
  mean: "step/mean",
  inverseDeviation: "step/inverse deviation",
  loss: "step/loss",
  active: "step/active",
  embeddings: "step/embeddings",
  gradient: (weight: string) => `gradient/${weight}`,
} as const;

export interface TrainingGraphOptions {
  readonly encoder: PreparedEncoder;
  readonly cuts: readonly string[];
  readonly head: HeadSpecification;
  readonly loss: LossSpecification;
  readonly batch: number;
  /** Slots of the cross-batch memory; none by default. */
  readonly memory?: number;
  /** Seed of the head's first weights. */
  readonly seed?: number;
  /** Gradient rules in place of the usual table. */
  readonly rules?: typeof gradientRules | undefined;
}

export interface Trainable {
  readonly name: string;
  readonly group: "head" | "trunk";
  /** The weight to begin with. */
  readonly tensor: Tensor;
}

/** A training step as one graph: fed with photos (or boundary values), labels and weights, it gives gradients. */
export interface TrainingGraph {
  readonly graph: Graph;
  readonly cut: CutGraph;
  readonly trainables: readonly Trainable[];
  /** What is fed of every batch: boundary values, then frozen features. Static shapes. */
  readonly boundary: readonly GraphValue[];
  readonly frozenFeatures: readonly FeatureSpecification[];
  /** Width of the joined features. */
  readonly width: number;
  readonly dims: number;
}

/**
 * Forward, loss and gradients as one ONNX graph of static shapes.
 * @throws CutUnknown, NothingToTrain, TrainingUnfit, WeightsNotFinite, BatchUnusable, GraphNotTrainable
 */
export async function buildTrainingGraph(options: TrainingGraphOptions): Promise<TrainingGraph> {
  const { encoder, cuts, head, batch, memory = 0, seed = 1 } = options;
  checkHead(head);
  if (!Number.isInteger(batch) || batch < 2) {
    throw new BatchUnusable(`A batch of ${batch} holds no pair to compare. Use 2 or more, 32 as a rule.`);
  }
  const cut = await cutForBatch(encoder, cuts, batch);
  const changing = new Set(cut.tail.nodes.flatMap(({ outputs }) => outputs));
  const frozenFeatures = head.features.filter(({ value }) => !changing.has(value));
  const trunkReads = new Set(
    cut.trunk.nodes.filter((node) => !cut.tail.nodes.includes(node)).flatMap(({ inputs }) => inputs),
  );
  const trunkWeights = trainablesOf(cut.tail, trunkReads);

  const builder = GraphBuilder.from(weightsAsInputs(cut.tail, trunkWeights));
  const frozenTypes = frozenFeatureTypes(encoder, frozenFeatures, batch);
  const fedFeatures = frozenFeatures.map((feature, index): GraphValue => {
    const value = builder.input(featureName(feature), "float32", frozenTypes[index] ?? []);
    return { name: value.name, type: value.type };
  });
  const pooled = head.features.map((feature) =>
    changing.has(feature.value)
      ? poolFeature(builder, builder.value(feature.value), feature, featureName(feature))
      : builder.value(featureName(feature)),
  );
  requireRowPerPhoto([...cut.boundary, ...pooled], batch);
  requireOpenBatch(encoder.graph.outputs);
  const joined = joinFeatures(builder, pooled);
  const width = Number(joined.type.shape[1]);
  const headTensors = firstHeadWeights(head, width, encoder.headPrefix, seed);
  const dims = headLayers(head, width, encoder.headPrefix).at(-1)?.outputs ?? width;
  const fed = stepHeadValues(builder, head, headTensors, width, batch);
  const embeddings = buildHead(builder, joined, head, { ...fed, prefix: encoder.headPrefix }, STEP.embeddings);
  const { loss, active } = lossOf(options.loss)(lossInputs(builder, embeddings, memory), builder);

  const candidates = [...trunkWeights, ...headTensors.keys()];
  if (candidates.length === 0) throw new NothingToTrain(cuts, "no weights lie there");
  const forward = joinGelu(pickEarly(builder.graph(), [loss.name, active.name, embeddings.name]));
  const { builder: backward, gradients } = differentiate(forward, loss.name, candidates, options.rules);
  const outputs = new Map([
    [STEP.loss, loss.name],
    [STEP.active, active.name],
    [STEP.embeddings, embeddings.name],
    ...[...gradients].map(([weight, gradient]) => [STEP.gradient(weight), gradient.name] as const),
  ]);
  const trainables = candidates.flatMap((name): Trainable[] => {
    if (!gradients.has(name)) return [];
    const tensor = headTensors.get(name) ?? cut.tail.initialisers.get(name);
    return tensor
      ? [{ name, group: headTensors.has(name) ? "head" : "trunk", tensor: finiteWeight(name, tensor) }]
      : [];
  });
  if (trainables.length === 0) throw new NothingToTrain(cuts, "the loss depends on no weight there");
  const graph = fedWithTrainables(
    splitGelu(nameOutputs(backward.graph(), outputs)),
    candidates,
    trainables,
    cut.tail,
    headTensors,
  );
  return { graph, cut, trainables, boundary: [...cut.boundary, ...fedFeatures], frozenFeatures, width, dims };
}

function frozenFeatureTypes(encoder: PreparedEncoder, features: readonly FeatureSpecification[], batch: number) {
  const bound = inferShapes(bindDimensions(encoder.graph, { [BATCH]: batch }));
  const builder = GraphBuilder.from(bound);
  return features.map((feature) => poolFeature(builder, builder.value(feature.value), feature).type.shape.map(Number));
}

function stepHeadValues(
  builder: GraphBuilder,
  head: HeadSpecification,
  tensors: ReadonlyMap<string, Tensor>,
  width: number,
  batch: number,
) {
  const weights = new Map<string, Value>();
  for (const [name, { shape }] of tensors) weights.set(name, builder.input(name, "float32", shape));
  const dropout = head.dropout ?? 0;
  return {
    weights,
    ...(dropout > 0 && { mask: builder.input(STEP.mask, "float32", [batch, width]) }),
    ...(head.standardise && {
      standard: {
        mean: builder.input(STEP.mean, "float32", [width]),
        inverseDeviation: builder.input(STEP.inverseDeviation, "float32", [width]),
      },
    }),
  };
}

function lossInputs(builder: GraphBuilder, embeddings: Value, memory: number) {
  const [batch = 0, dims = 0] = embeddings.type.shape.map(Number);
  if (!Number.isInteger(memory) || memory < 0) throw new TrainingUnfit(`A memory of ${memory} slots cannot be built.`);
  return {
    embeddings,
    labels: builder.input(STEP.labels, "int32", [batch]),
    anchors: builder.input(STEP.anchors, "float32", [batch]),
    ...(memory > 0 && {
      memory: {
        embeddings: builder.input(STEP.memoryEmbeddings, "float32", [memory, dims]),
        labels: builder.input(STEP.memoryLabels, "int32", [memory]),
      },
    }),
  };
}
