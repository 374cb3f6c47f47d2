import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { cpuLowering } from "../../src/autodiff/lowering/index.js";
import { float32Values, type Graph, modelOf, writeModel } from "../../src/onnx/index.js";
import { createTrainer, type LossSpecification, type OptimiserSpecification } from "../../src/training/index.js";
import { prepareEncoder } from "../../src/training/prepare-encoder.js";
import { buildTrainingGraph, STEP } from "../../src/training/training-graph.js";
import { type Architecture, smallArchitectures } from "./architectures/index.js";
import { tinyMobilenet } from "./architectures/tiny-mobilenet.js";
import { seededPictures } from "./architectures/whole-gradient.js";
import { type Outputs, worstDifference } from "./webgpu-compare.js";

type Feeds = Readonly<Record<string, RuntimeTensor>>;
type Result = { readonly worst: number; readonly where: string; readonly onHost?: boolean };

/** A batch of six: the gradients of filters are convolutions over six channels. */
const labels = [0, 0, 1, 1, 2, 2];

const transformer = smallArchitectures["ViT-S/16"];
if (transformer === undefined) throw new Error("the small ViT is gone");
const convolutions = tinyMobilenet;
/** Title, architecture and loss. */
const trainings: readonly (readonly [string, () => Architecture, LossSpecification])[] = [
  [
    "MobileNetV2, triplet, batch-all",
    convolutions,
    { name: "triplet", selection: "batch-all", margin: 0.2, distance: "euclidean" },
  ],
  ["MobileNetV2, multi-similarity", convolutions, { name: "multi-similarity" }],
  ["ViT, triplet, semi-hard", transformer, { name: "triplet", selection: "semi-hard", margin: "soft" }],
  ["ViT, InfoNCE", transformer, { name: "info-nce" }],
];

/** A whole training step with every weight in training: loss, active share, embeddings and all gradients. */
async function step(architecture: Architecture, loss: LossSpecification): Promise<[Graph, Feeds]> {
  const head = { features: architecture.features, layers: { kind: "mlp", hidden: [8], dims: 6 } } as const;
  const cuts = architecture.cuts.slice(0, 1);
  const encoder = await prepareEncoder(
    { graph: architecture.graph, image: architecture.image },
    cuts,
    head.features.map(({ value }) => value),
  );
  const training = await buildTrainingGraph({ encoder, cuts, head, loss, batch: labels.length, seed: 3 });
  const images = seededPictures(architecture.image, labels, 5);
  const weights = training.trainables.map(({ name, tensor }) => [
    name,
    new RuntimeTensor("float32", float32Values(tensor).slice(), [...tensor.shape]),
  ]);
  return [
    training.graph,
    {
      ...Object.fromEntries(weights),
      [encoder.image]: new RuntimeTensor("float32", images, [labels.length, ...architecture.image]),
      [STEP.labels]: new RuntimeTensor("int32", Int32Array.from(labels), [labels.length]),
      [STEP.anchors]: new RuntimeTensor("float32", new Float32Array(labels.length).fill(1), [labels.length]),
    },
  ];
}

/** Whole steps, on WebGPU and in the CPU's fast form, against the plain form on the CPU. */
export function stepTasks(onWebGpu: (graph: Graph, feeds: Feeds) => Promise<Result>) {
  return new Map(
    trainings.flatMap(([title, architecture, loss]): [string, () => Promise<Result>][] => [
      [`${title}: WebGPU`, async () => onWebGpu(...(await step(architecture(), loss)))],
      [
        `${title}: CPU lowered`,
        async () => {
          const [graph, feeds] = await step(architecture(), loss);
          const lower = await cpuLowering((reason) => process.emitWarning(reason));
          return worstDifference(await onCpu(lower(graph), feeds), await onCpu(graph, feeds));
        },
      ],
    ]),
  );
}

async function onCpu(graph: Graph, feeds: Feeds): Promise<Outputs> {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 3 });
  const results = await session.run(feeds);
  await session.release();
  return new Map(session.outputNames.map((name) => [name, results[name]?.data as Float32Array]));
}

const optimisers: Readonly<Record<string, OptimiserSpecification>> = {
  SGD: { name: "sgd", momentum: 0.5, weightDecay: 0.01 },
  // The bias of keys has no gradient but rounding, which a small epsilon would blow up into steps of full length.
  AdamW: { name: "adamw", weightDecay: 0.1, epsilon: 1e-3 },
};

/** Weights and memory after five steps: of an optimiser in the graph, against its loops on the host. */
export function optimiserTasks(): Map<string, () => Promise<Result>> {
  return new Map(
    Object.entries(optimisers).map(([name, optimiser]) => [
      name,
      async () => {
        const [expected, actual] = [await train(optimiser, "host"), await train(optimiser, "graph")];
        return worstDifference(actual, expected);
      },
    ]),
  );
}

async function train(optimiser: OptimiserSpecification, optimiserIn: "host" | "graph"): Promise<Outputs> {
  const architecture = tinyMobilenet();
  const trainer = await createTrainer({
    encoder: architecture,
    cut: architecture.cuts[2] ?? "",
    head: { features: architecture.features, layers: { kind: "linear", dims: 6 } },
    loss: { name: "multi-similarity" },
    optimiser,
    optimiserIn,
    device: "webgpu",
    learningRate: { head: 0.02, trunk: 0.01 },
    schedule: { warmUpSteps: 2, totalSteps: 8 },
    clipNorm: 0.3,
    averaging: 0.9,
    batch: labels.length,
    seed: 2,
  });
  const images = seededPictures(architecture.image, labels, 9);
  const steps: number[] = [];
  for (let count = 0; count < 5; count++) {
    const { loss, gradientNorm } = await trainer.step({ images }, labels);
    steps.push(loss, gradientNorm);
  }
  const { weights, average, optimiser: memory } = await trainer.state();
  await trainer.dispose();
  return new Map<string, ArrayLike<number>>([
    ["steps", steps],
    ["weights", weights],
    ["average", average ?? []],
    ...Object.entries(memory.arrays),
  ]);
}
