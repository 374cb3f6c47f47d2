import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { cpuLowering } from "../../src/autodiff/index.js";
import { createEncoderRegistry } from "../../src/encoders/index.js";
import { createLogger } from "../../src/logger.js";
import { type Graph, readModel, readModelFile } from "../../src/onnx/index.js";
import { createTrainer, type TrainerOptions } from "../../src/training/index.js";
import { seededPictures, wholeGradient } from "../support/architectures/whole-gradient.js";

let data: string;
let graph: Graph;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), "lookalike-training-"));
  const registry = createEncoderRegistry({ config: { data }, logger: createLogger("silent") });
  graph = (await readModelFile((await registry.open("mobilenet-v2")).modelPath)).graph;
});
after(() => rm(data, { recursive: true, force: true }));

const features = [
  { value: "conv_1", pooling: "average" },
  { value: "conv_1", pooling: "max" },
  { value: "block_13/expand", pooling: "average" },
] as const;
const image = [3, 64, 64];
const labels = [0, 0, 1, 1, 2, 2];

function recipe(changes: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    encoder: { graph, image },
    cut: "block_14/input",
    head: { features, standardise: true, dropout: 0.2, layers: { kind: "mlp", hidden: [32], dims: 16 } },
    loss: { name: "multi-similarity" },
    optimiser: { name: "adamw" },
    learningRate: { head: 1e-3, trunk: 3e-4 },
    schedule: { warmUpSteps: 2, totalSteps: 20 },
    averaging: 0.9,
    clipNorm: 5,
    batch: labels.length,
    threads: 2,
    seed: 4,
    ...changes,
  };
}

describe("the default encoder in training", () => {
  for (const cut of ["pixels", "block_10/input", "block_14/input", "conv_1/input"]) {
    it(`cut at ${cut}: the whole gradient agrees with central differences`, async () => {
      const architecture = {
        graph,
        image: [3, 32, 32],
        features: [{ value: "conv_1", pooling: "average" as const }],
        cuts: [],
      };
      const { emitted, differences } = await wholeGradient(architecture, cut);
      const error = Math.abs(emitted - differences) / Math.abs(differences);
      assert.ok(error <= 1e-3, `${emitted} instead of ${differences}: ${error} off`);
    });
  }

  it("feeds the boundary and the frozen feature, and trains what lies behind the cut", async () => {
    const trainer = await createTrainer(recipe());
    assert.deepEqual(
      trainer.boundary.map(({ name, type }) => [name, type.shape]),
      [
        ["block_14/input", [6, 160, 2, 2]],
        ["block_13/expand:average", [6, 576]],
      ],
    );
    assert.equal(trainer.width, 1280 + 1280 + 576);
    const names = trainer.trainables.map(({ name }) => name);
    assert.ok(names.includes("block_14/expand/weight") && names.includes("head/1/bias"));
    assert.ok(!names.some((name) => name.startsWith("block_13/") || name.startsWith("relu6")));
    await trainer.dispose();
  });

  it("goes on bit by bit where a saved state stands, dropout, average and statistics included", async () => {
    const pictures = seededPictures(image, labels, 21);
    const first = await createTrainer(recipe());
    const boundary = await first.trunk(pictures);
    await first.standardise(standardOf(await first.features({ boundary }), first.width));
    for (let step = 0; step < 3; step++) await first.step({ boundary }, labels);
    const saved = structuredClone(await first.state());
    const run = async (trainer: typeof first) => {
      const losses: number[] = [];
      for (let step = 0; step < 4; step++) losses.push((await trainer.step({ boundary }, labels)).loss);
      return { losses, embeddings: await trainer.embed({ boundary }, "averaged") };
    };
    const expected = await run(first);
    const second = await createTrainer(recipe());
    await second.restore(saved);
    assert.deepEqual(await run(second), expected);
    assert.equal(new Set(expected.losses).size, 4);
    await Promise.all([first.dispose(), second.dispose()]);
  });

  it("learns eight photos by heart", async () => {
    const eight = [0, 0, 1, 1, 2, 2, 3, 3];
    const trainer = await createTrainer({
      encoder: { graph, image: [3, 96, 96] },
      cut: "block_14/input",
      head: { features: [{ value: "conv_1", pooling: "average" }], layers: { kind: "linear", dims: 16 } },
      loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
      optimiser: { name: "adamw" },
      learningRate: { head: 1e-2, trunk: 1e-3 },
      batch: eight.length,
      threads: 2,
      seed: 2,
    });
    const boundary = await trainer.trunk(seededPictures([3, 96, 96], eight, 9));
    const losses: number[] = [];
    for (let step = 0; step < 150 && (losses.at(-1) ?? 1) > 0; step++) {
      losses.push((await trainer.step({ boundary }, eight)).loss);
    }
    await trainer.dispose();
    assert.ok((losses[0] ?? 0) > 0.05, `begins at ${losses[0]}`);
    assert.ok((losses.at(-1) ?? 1) < 0.01, `ends at ${losses.at(-1)} after ${losses.length} steps`);
  });

  it("lowered for the CPU takes the same steps, and resumes as exactly", async () => {
    const lower = await cpuLowering();
    const images = seededPictures(image, labels, 25);
    const [plain, lowered, resumed] = await Promise.all(
      [recipe(), recipe({ lower }), recipe({ lower })].map((options) => createTrainer(options)),
    );
    assert.ok(plain && lowered && resumed);
    const first = await lowered.step({ images }, labels);
    const expected = await plain.step({ images }, labels);
    assert.ok(Math.abs(first.loss - expected.loss) <= 1e-3 * expected.loss);
    assert.ok(Math.abs(first.gradientNorm - expected.gradientNorm) <= 1e-3 * expected.gradientNorm);
    await resumed.restore(await lowered.state());
    for (let step = 0; step < 3; step++) {
      assert.equal((await resumed.step({ images }, labels)).loss, (await lowered.step({ images }, labels)).loss);
    }
    await Promise.all([plain, lowered, resumed].map((trainer) => trainer.dispose()));
  });

  it("embeds alike from pictures, from cached boundaries, and in the exported model", async () => {
    const pictures = seededPictures(image, [...labels, 0], 22);
    const trainer = await createTrainer(recipe());
    const boundary = await trainer.trunk(pictures);
    await trainer.standardise(standardOf(await trainer.features({ boundary }), trainer.width));
    const inBatch = await trainer.trunk(pictures.subarray(0, (pictures.length * labels.length) / 7));
    for (let step = 0; step < 3; step++) await trainer.step({ boundary: inBatch }, labels);
    // One more photo than a batch: the last part is filled up.
    const embeddings = await trainer.embed({ boundary });
    assert.equal(embeddings.length, 7 * trainer.dims);
    closeTo(await trainer.embed({ images: pictures }), embeddings, 1e-5);

    const bytes = await trainer.export();
    const tuned = readModel(bytes).graph;
    const weights = await trainer.weights();
    for (const [name, values] of weights) {
      assert.deepEqual(
        new Float32Array(tuned.initialisers.get(name)?.data.slice().buffer ?? new ArrayBuffer()),
        values,
        name,
      );
    }
    assert.deepEqual(
      tuned.initialisers.get("block_3/expand/weight")?.data,
      graph.initialisers.get("block_3/expand/weight")?.data,
    );
    assert.notDeepEqual(
      tuned.initialisers.get("block_15/expand/weight")?.data,
      graph.initialisers.get("block_15/expand/weight")?.data,
    );
    const session = await InferenceSession.create(bytes);
    const results = await session.run({ pixels: new Tensor("float32", pictures, [7, ...image]) });
    assert.deepEqual(results.embedding?.dims, [7, trainer.dims]);
    closeTo(results.embedding?.data as Float32Array, embeddings, 1e-4);
    await session.release();

    // A tuned model is an encoder again, with a second head on top of its first.
    const again = await createTrainer(
      recipe({
        encoder: { graph: tuned, image },
        cut: "conv_1/input",
        head: { features: [{ value: "embedding", pooling: "none" }], layers: { kind: "linear", dims: 8 } },
      }),
    );
    assert.ok(again.trainables.some(({ name, group }) => name === "head2/0/weight" && group === "head"));
    assert.ok(again.trainables.some(({ name, group }) => name === "head/0/weight" && group === "trunk"));
    const second = readModel(await again.export()).graph;
    assert.deepEqual(
      second.outputs.map(({ type }) => type?.shape),
      [["batch", 8]],
    );
    await Promise.all([trainer.dispose(), again.dispose()]);
  });

  it("the training forward is the exported model's", async () => {
    const pictures = seededPictures(image, labels, 23);
    // Without dropout, and at rest: what the step gives are the embeddings of the weights as they are.
    const { dropout: _, ...head } = recipe().head;
    const trainer = await createTrainer(recipe({ head, learningRate: 0 }));
    const { embeddings } = await trainer.step({ images: pictures }, labels);
    const session = await InferenceSession.create(await trainer.export());
    const results = await session.run({ pixels: new Tensor("float32", pictures, [labels.length, ...image]) });
    closeTo(results.embedding?.data as Float32Array, embeddings, 1e-4);
    await session.release();
    await trainer.dispose();
  });

  it("takes a head that was warmed up on frozen features", async () => {
    const pictures = seededPictures(image, labels, 24);
    const warm = await createTrainer(recipe({ cut: "conv_1" }));
    assert.deepEqual(
      warm.boundary.map(({ name }) => name),
      ["conv_1:average", "conv_1:max", "block_13/expand:average"],
    );
    const frozen = await warm.trunk(pictures);
    const before = (await warm.step({ boundary: frozen }, labels)).loss;
    for (let step = 0; step < 15; step++) await warm.step({ boundary: frozen }, labels);
    const joint = await createTrainer(recipe({ learningRate: 0 }));
    await joint.load(await warm.weights());
    closeTo(await joint.embed({ images: pictures }), await warm.embed({ boundary: frozen }), 1e-4);
    assert.ok((await joint.step({ images: pictures }, labels)).loss < before);
    await Promise.all([warm.dispose(), joint.dispose()]);
  });
});

function closeTo(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...expected.map((value, index) => Math.abs(value - (actual[index] ?? Number.NaN))));
  assert.ok(worst <= tolerance, `${worst} apart`);
}

function standardOf(features: Float32Array, width: number) {
  const count = features.length / width;
  const mean = new Float32Array(width);
  const deviation = new Float32Array(width);
  for (const [index, value] of features.entries()) mean[index % width]! += value / count;
  for (const [index, value] of features.entries())
    deviation[index % width]! += (value - mean[index % width]!) ** 2 / count;
  return { mean, deviation: deviation.map(Math.sqrt) };
}
