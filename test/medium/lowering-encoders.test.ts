import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { before, describe, it } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { lowerForCpu, probeCpuLowering } from "../../src/autodiff/lowering/index.js";
import { createEncoderRegistry } from "../../src/encoders/index.js";
import { createLogger } from "../../src/logger.js";
import { elementCount, float32Values, type Graph, modelOf, readModelFile, writeModel } from "../../src/onnx/index.js";
import { createTrainer } from "../../src/training/index.js";
import { prepareEncoder } from "../../src/training/prepare-encoder.js";
import { buildTrainingGraph, type TrainingGraph } from "../../src/training/training-graph.js";
import { type Architecture, smallArchitectures } from "../support/architectures/index.js";

let block: 8 | 16 | undefined;
before(async () => {
  const probe = await probeCpuLowering();
  if (probe.usable) block = probe.block;
});

async function stepOf(architecture: Architecture, cut: string): Promise<TrainingGraph> {
  const { features } = architecture;
  const encoder = await prepareEncoder(
    architecture,
    [cut],
    features.map(({ value }) => value),
  );
  const head = { features, layers: { kind: "linear", dims: 16 } } as const;
  const loss = { name: "triplet", selection: "batch-all", margin: 0.2 } as const;
  return buildTrainingGraph({ encoder, cuts: [cut], head, loss, batch: 4 });
}

/** Seeded photos, two labels, the weights to begin with. */
function feedsOf({ graph, trainables }: TrainingGraph): Record<string, RuntimeTensor> {
  let state = 3;
  const next = () => {
    state = (state * 48271) % 0x7fffffff;
    return (state / 0x7fffffff - 0.5) * 2;
  };
  const weights = new Map(trainables.map(({ name, tensor }) => [name, tensor]));
  return Object.fromEntries(
    graph.inputs.map(({ name, type }) => {
      const shape = type.shape.map(Number);
      const length = elementCount(shape);
      const weight = weights.get(name);
      if (type.elementType === "int32") {
        return [
          name,
          new RuntimeTensor(
            "int32",
            Int32Array.from({ length }, (_, at) => at % 2),
            shape,
          ),
        ];
      }
      const values = weight
        ? Float32Array.from(float32Values(weight))
        : Float32Array.from({ length }, name === "step/anchors" ? () => 1 : next);
      return [name, new RuntimeTensor("float32", values, shape)];
    }),
  );
}

async function run(graph: Graph, feeds: Record<string, RuntimeTensor>) {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 4 });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

async function agree(architecture: Architecture, cut: string): Promise<void> {
  assert.ok(block);
  const training = await stepOf(architecture, cut);
  const feeds = feedsOf(training);
  const plain = await run(training.graph, feeds);
  const lowered = await run(lowerForCpu(training.graph, { block }), feeds);
  for (const [name, { data }] of Object.entries(plain)) {
    const [wanted, got] = [data as Float32Array, lowered[name]?.data as Float32Array];
    let [difference, length] = [0, 0];
    for (const [at, value] of wanted.entries()) {
      difference += (value - (got[at] ?? Number.NaN)) ** 2;
      length += value ** 2;
    }
    // Next to a gradient that cancels out, as those before a softmax do, rounding is all there is.
    assert.ok(Math.sqrt(difference) <= 1e-3 * Math.sqrt(length) + 1e-7, `${name} is off`);
  }
}

describe("a lowered training step gives what the plain one gives", () => {
  for (const [name, build] of Object.entries(smallArchitectures)) {
    const architecture = build();
    for (const cut of architecture.cuts) {
      it(`${name}, cut at ${cut}`, async (test) => {
        if (block === undefined) return test.skip("this processor has no blocked kernels");
        await agree(architecture, cut);
      });
    }
  }

  it("MobileNetV2 with its real weights, from the photo and from a late block, on an odd size", async (test) => {
    if (block === undefined) return test.skip("this processor has no blocked kernels");
    const data = await mkdtemp(path.join(os.tmpdir(), "lookalike-lowering-"));
    try {
      const registry = createEncoderRegistry({ config: { data }, logger: createLogger("silent") });
      const { graph } = await readModelFile((await registry.open("mobilenet-v2")).modelPath);
      const features = [{ value: "conv_1", pooling: "average" }] as const;
      await agree({ graph, image: [3, 65, 65], features, cuts: [] }, "pixels");
      await agree({ graph, image: [3, 96, 96], features, cuts: [] }, "block_14/input");
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });

  it("is what a trainer on the CPU runs, and a caller may ask for the plain form", async () => {
    const architecture = smallArchitectures["ResNet-50"]?.();
    assert.ok(architecture);
    const options = {
      encoder: architecture,
      cut: architecture.cuts[1] ?? "",
      head: { features: architecture.features, layers: { kind: "linear", dims: 8 } },
      loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
      optimiser: { name: "sgd" },
      learningRate: 1e-2,
      batch: 4,
      threads: 1,
    } as const;
    const losses: number[] = [];
    for (const lower of [undefined, (graph: Graph) => graph]) {
      const trainer = await createTrainer({ ...options, ...(lower && { lower }) });
      const boundary = Object.fromEntries(
        trainer.boundary.map(({ name, type }) => [
          name,
          Float32Array.from({ length: elementCount(type.shape.map(Number)) }, (_, at) => Math.sin(at)),
        ]),
      );
      for (let step = 0; step < 3; step++) losses.push((await trainer.step({ boundary }, [0, 0, 1, 1])).loss);
      await trainer.dispose();
    }
    for (const at of [0, 1, 2]) assert.ok(Math.abs((losses[at] ?? 0) - (losses[at + 3] ?? 0)) < 1e-4, losses.join());
  });
});
