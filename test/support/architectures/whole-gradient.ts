import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { gradientRules } from "../../../src/autodiff/rules/index.js";
import { elementCount, float32Values, pruneGraph } from "../../../src/onnx/index.js";
import { trunkGraph } from "../../../src/training/inference-graph.js";
import { prepareEncoder } from "../../../src/training/prepare-encoder.js";
import { floats, floatsOf, integers, openSession } from "../../../src/training/runtime-session.js";
import { buildTrainingGraph, STEP, type TrainingGraph } from "../../../src/training/training-graph.js";
import { arrayOf, type ReferenceArray } from "../reference/array.js";
import { evaluateGraph } from "../reference/evaluate.js";
import type { Architecture } from "./architecture.type.js";

/** Pictures of noise around one tone a label, values within ±1. */
export function seededPictures(shape: readonly number[], labels: readonly number[], seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  const size = elementCount(shape);
  const tones = new Map<number, number[]>();
  const pictures = new Float32Array(labels.length * size);
  for (const [photo, label] of labels.entries()) {
    const tone = tones.get(label) ?? Array.from({ length: 8 }, () => 2 * uniformFloat64(random) - 1);
    tones.set(label, tone);
    for (let index = 0; index < size; index++) {
      pictures[photo * size + index] = 0.5 * (tone[index % 8] ?? 0) + 0.5 * (2 * uniformFloat64(random) - 1);
    }
  }
  return pictures;
}

export interface WholeGradient {
  readonly training: TrainingGraph;
  /** Slope of the loss along a direction, by the emitted gradient (fp32) and by central differences (float64). */
  readonly emitted: number;
  readonly differences: number;
}

const labels = [0, 0, 1, 1];

/**
 * The slope of a training step's loss along one direction through all weights at once. The gradient runs in ONNX
 * Runtime; the differences are taken in the float64 reference interpreter.
 */
export async function wholeGradient(
  architecture: Architecture,
  cut: string,
  rules?: typeof gradientRules,
): Promise<WholeGradient> {
  const head = { features: architecture.features, layers: { kind: "linear", dims: 6 } } as const;
  const encoder = await prepareEncoder(
    { graph: architecture.graph, image: architecture.image },
    [cut],
    head.features.map(({ value }) => value),
  );
  const loss = { name: "triplet", selection: "batch-all", margin: "soft" } as const;
  const training = await buildTrainingGraph({ encoder, cuts: [cut], head, loss, batch: labels.length, seed: 3, rules });
  const feeds = await boundaryFeeds(architecture, encoder, training);
  for (const { name, tensor } of training.trainables) {
    feeds.set(name, arrayOf(tensor.shape, float32Values(tensor)));
  }
  feeds.set(STEP.anchors, arrayOf([labels.length], new Float32Array(labels.length).fill(1)));

  const gradients = await runStep(training, feeds);
  const random = xoroshiro128plus(11);
  const forward = pruneGraph({
    ...training.graph,
    outputs: training.graph.outputs.filter(({ name }) => name === STEP.loss),
  });
  // Along the gradient, so that nothing cancels out, each element with a weight of its own, so that none is missed.
  const direction = new Map(
    training.trainables.map(({ name }) => {
      const gradient = gradients.get(name) ?? new Float32Array();
      const size = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0) / gradient.length);
      return [
        name,
        Float64Array.from(
          gradient,
          (value) => value * (0.5 + uniformFloat64(random)) + 0.1 * size * (2 * uniformFloat64(random) - 1),
        ),
      ] as const;
    }),
  );
  let emitted = 0;
  let length = 0;
  for (const [name, moves] of direction) {
    for (const [index, move] of moves.entries()) {
      emitted += move * (gradients.get(name)?.[index] ?? Number.NaN);
      length += move * move;
    }
  }
  const step = 1e-5 / Math.sqrt(length);
  const lossAt = (by: number) => {
    const moved = new Map(feeds).set(STEP.labels, arrayOf([labels.length], labels));
    for (const [name, moves] of direction) {
      const { shape, values } = feeds.get(name) as ReferenceArray;
      moved.set(name, { shape, values: values.map((value, index) => value + by * (moves[index] ?? 0)) });
    }
    return evaluateGraph(forward, moved).get(STEP.loss)?.values[0] ?? Number.NaN;
  };
  return { training, emitted, differences: (lossAt(step) - lossAt(-step)) / (2 * step) };
}

async function boundaryFeeds(
  architecture: Architecture,
  encoder: Awaited<ReturnType<typeof prepareEncoder>>,
  training: TrainingGraph,
): Promise<Map<string, ReferenceArray>> {
  const pictures = seededPictures(architecture.image, labels, 5);
  const images = floats(pictures, [labels.length, ...architecture.image]);
  const feeds = new Map<string, ReferenceArray>();
  const trunk = trunkGraph(encoder, training);
  if (trunk) {
    const session = await openSession(trunk, { threads: 1 });
    const results = await session.run({ [encoder.image]: images });
    await session.release();
    for (const name of session.outputNames) {
      feeds.set(name, arrayOf(results[name]?.dims ?? [], floatsOf(results[name], name)));
    }
  }
  if (training.boundary.some(({ name }) => name === encoder.image)) {
    feeds.set(encoder.image, arrayOf(images.dims, pictures));
  }
  return feeds;
}

async function runStep(training: TrainingGraph, feeds: ReadonlyMap<string, ReferenceArray>) {
  const session = await openSession(training.graph, { threads: 1 });
  const results = await session.run({
    ...Object.fromEntries(
      [...feeds].map(([name, { shape, values }]) => [name, floats(Float32Array.from(values), shape)]),
    ),
    [STEP.labels]: integers(Int32Array.from(labels)),
  });
  await session.release();
  return new Map(training.trainables.map(({ name }) => [name, floatsOf(results[STEP.gradient(name)], name)] as const));
}
