import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createEncoderRegistry, type InstalledEncoder } from "../../src/encoders/index.js";
import {
  averageFlips,
  describeModel,
  EMBEDDING,
  joinModels,
  ModelsUnfit,
  reduceModel,
} from "../../src/learning/export/index.js";
import {
  buildWhitenedModel,
  featuresOf,
  fitReduction,
  joinWithWhitenedBase,
  learnWhitening,
  openFeatureSession,
  type Projection,
  projectVectors,
  VectorsUnusable,
} from "../../src/learning/whitening/index.js";
import { createLogger } from "../../src/logger.js";
import {
  checkGraph,
  type Graph,
  GraphBuilder,
  modelOf,
  readModel,
  readModelFile,
  writeModel,
} from "../../src/onnx/index.js";
import { createTrainer, type FeatureSpecification } from "../../src/training/index.js";
import { seededPictures } from "../support/architectures/whole-gradient.js";

const SIDE = 64;
const image = [3, SIDE, SIDE];
const labels = [0, 0, 1, 1, 2, 2, 3, 3];
const count = labels.length;
const pictures = seededPictures(image, labels, 7);

let data: string;
let base: InstalledEncoder;
let graph: Graph;
let features: readonly FeatureSpecification[];
let vectors: Float32Array;
let width: number;
let whitened: Uint8Array;
let fit: Projection;
let tuned: Uint8Array;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), "lookalike-export-"));
  const registry = createEncoderRegistry({ config: { data }, logger: createLogger("silent") });
  base = await registry.open("mobilenet-v2");
  graph = (await readModelFile(base.modelPath)).graph;
  features = featuresOf(base.manifest, graph);
  const session = await openFeatureSession({ graph, image }, features);
  vectors = await session.run(pictures, count);
  width = session.width;
  await session.close();
  ({ model: whitened, fit } = await learnWhitening({ encoder: { graph, image }, features, vectors, count, width }));
  const trainer = await createTrainer({
    encoder: { graph, image },
    cut: "block_16/input",
    head: { features, standardise: true, layers: { kind: "linear", dims: 16 } },
    loss: { name: "multi-similarity" },
    optimiser: { name: "adamw" },
    learningRate: 1e-3,
    batch: count,
  });
  await trainer.step({ images: pictures }, labels);
  tuned = await trainer.export();
  await trainer.dispose();
});
after(() => rm(data, { recursive: true, force: true }));

async function run(model: Uint8Array, images: Float32Array, photos = count): Promise<Float32Array> {
  const session = await InferenceSession.create(model);
  const results = await session.run({ [session.inputNames[0]!]: new Tensor("float32", images, [photos, ...image]) });
  await session.release();
  const output = results[EMBEDDING];
  assert.equal(output?.dims[0], photos);
  return output.data as Float32Array;
}

function assertNear(actual: Float32Array, expected: ArrayLike<number>, most: number) {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[index]!) <= most, `element ${index}: ${value}, not ${expected[index]}`);
  }
}

function assertUnit(rows: Float32Array, dims: number) {
  for (let at = 0; at < rows.length; at += dims) {
    assert.ok(Math.abs(Math.hypot(...rows.subarray(at, at + dims)) - 1) < 1e-5);
  }
}

/** Every row turned around, by hand. */
function mirrored(images: Float32Array): Float32Array {
  return images.map((_, index) => {
    const column = index % SIDE;
    return images[index - column + SIDE - 1 - column]!;
  });
}

const convolutions = (model: Uint8Array) => readModel(model).graph.nodes.filter(({ operator }) => operator === "Conv");
const bytesOf = (model: Uint8Array) => model.byteLength;

describe("a whitened model", () => {
  it("sees the average and the maximum of the output and the earlier 576 channels", () => {
    assert.deepEqual(features, [
      { value: "conv_1", pooling: "average" },
      { value: "conv_1", pooling: "max" },
      { value: "block_13/expand", pooling: "average" },
    ]);
    assert.equal(width, 3136);
  });

  it("gives photos what plain arithmetic gives their features, in a plain session", async () => {
    assert.equal(fit.dims, count - 1);
    const embedded = await run(whitened, pictures);
    assertNear(embedded, await projectVectors(vectors, count, fit), 1e-4);
    assertUnit(embedded, fit.dims);
    checkGraph(readModel(whitened).graph);
  });

  it("takes any number of photos", async () => {
    const one = await run(whitened, pictures.slice(0, pictures.length / count), 1);
    assertNear(one, (await run(whitened, pictures)).slice(0, fit.dims), 1e-4);
  });

  it("works for encoders that give a vector", async () => {
    const builder = new GraphBuilder();
    const photos = builder.input("photos", "float32", ["batch", 3, 8, 8]);
    builder.output(builder.flatten(builder.averagePool(photos, { kernel: [4, 4], strides: [4, 4] }), 1, "vector"));
    const manifest = { ...base.manifest, output: "vector", pooling: "none" as const };
    const own = featuresOf(manifest, builder.graph());
    assert.deepEqual(own, [{ value: "vector", pooling: "none" }]);
    const small = seededPictures([3, 8, 8], labels, 3);
    const session = await openFeatureSession({ graph: builder.graph() }, own);
    const rows = await session.run(small, count);
    const encoder = { graph: builder.graph() };
    const learnt = await learnWhitening({
      encoder,
      features: own,
      vectors: rows,
      count,
      width: session.width,
      dims: 5,
    });
    await session.close();
    const opened = await InferenceSession.create(learnt.model);
    const { embedding } = await opened.run({ photos: new Tensor("float32", small, [count, 3, 8, 8]) });
    await opened.release();
    assertNear(embedding?.data as Float32Array, await projectVectors(rows, count, learnt.fit), 1e-4);
  });

  it("refuses a projection of other features", async () => {
    const few = features.slice(0, 1);
    await assert.rejects(buildWhitenedModel({ encoder: { graph, image }, features: few, fit }), (error) => {
      assert.ok(error instanceof VectorsUnusable);
      assert.match(error.message, /fitted on vectors of 3136; these features give 1280/);
      return true;
    });
  });
});

describe("joined models", () => {
  it("have both cosines, averaged by share, and unit vectors", async () => {
    const joined = joinModels(tuned, whitened, [0.7, 0.3]);
    const [first, second, both] = [
      await run(tuned, pictures),
      await run(whitened, pictures),
      await run(joined, pictures),
    ];
    const dims = 16 + fit.dims;
    assert.equal(both.length, count * dims);
    assertUnit(both, dims);
    const cosine = (rows: Float32Array, length: number, a: number, b: number) => {
      let sum = 0;
      for (let index = 0; index < length; index++) sum += rows[a * length + index]! * rows[b * length + index]!;
      return sum;
    };
    for (let other = 0; other < count; other++) {
      const expected = 0.7 * cosine(first, 16, 2, other) + 0.3 * cosine(second, fit.dims, 2, other);
      assert.ok(Math.abs(cosine(both, dims, 2, other) - expected) < 1e-4);
    }
  });

  it("run the trunk once, up to the first weight that was tuned", async () => {
    const joined = joinModels(tuned, whitened);
    // 52 convolutions; block_16 has three, conv_1 one.
    assert.equal(convolutions(whitened).length, 52);
    assert.equal(convolutions(joined).length, 52 + 4);
    const own = readModel(joined).graph.nodes.filter(({ inputs }) => inputs.includes("pixels"));
    assert.equal(own.length, 1);
    assert.ok(bytesOf(joined) < bytesOf(whitened) + bytesOf(tuned) - 5e6);
  });

  it("share everything with themselves", async () => {
    const twice = joinModels(whitened, whitened, [1, 1]);
    assert.equal(convolutions(twice).length, 52);
    assert.ok(bytesOf(twice) < bytesOf(whitened) + 1000);
    const rows = await run(twice, pictures);
    const single = await run(whitened, pictures);
    const { dims } = fit;
    for (let index = 0; index < dims; index++) {
      assert.ok(Math.abs(rows[index]! - single[index]! * Math.SQRT1_2) < 1e-5);
      assert.ok(Math.abs(rows[dims + index]! - single[index]! * Math.SQRT1_2) < 1e-5);
    }
  });

  it("can be joined, averaged and reduced again", async () => {
    const joined = joinModels(joinModels(tuned, whitened), tuned);
    const rows = await run(joined, pictures);
    const dims = 16 + fit.dims + 16;
    const reduction = await fitReduction(rows, count, dims, 4);
    const reduced = await run(reduceModel(averageFlips(joined, { layout: "NCHW" }), reduction), pictures);
    assert.equal(reduced.length, count * 4);
    assertUnit(reduced, 4);
  });

  it("are what the recipe growing ends with: its model gives what its figures were measured on", async () => {
    const input = { encoder: { graph, image }, features, vectors, count, width };
    const own = { model: tuned, vectors: await run(tuned, pictures), dims: 16 };
    const few = await joinWithWhitenedBase(own, 0.7, input);
    assert.equal(few.dims, 16 + count - 1);
    assertNear(await run(few.model, pictures), await few.vectorsOf(own.vectors, vectors), 1e-4);
    assertNear(await run(few.model, pictures), await run(joinModels(tuned, whitened, [0.7, 0.3]), pictures), 1e-4);

    const copies = 10;
    const repeated = (rows: Float32Array) => {
      const all = new Float32Array(rows.length * copies);
      for (let copy = 0; copy < copies; copy++) all.set(rows, copy * rows.length);
      return all;
    };
    const many = await joinWithWhitenedBase({ ...own, vectors: repeated(own.vectors) }, 0.7, {
      ...input,
      vectors: repeated(vectors),
      count: count * copies,
    });
    // Eight different photos span eight dimensions.
    assert.equal(many.dims, count);
    const reduced = await run(many.model, pictures);
    assertNear(reduced, await many.vectorsOf(own.vectors, vectors), 1e-4);
    const cosine = (rows: Float32Array, dims: number) => {
      const [a, b] = [rows.subarray(0, dims), rows.subarray(dims, 2 * dims)];
      return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
    };
    assert.ok(Math.abs(cosine(reduced, many.dims) - cosine(await run(few.model, pictures), few.dims)) < 1e-2);
  });

  it("refuses models of other photos, shares of nothing, and models without an embedding", () => {
    const builder = new GraphBuilder();
    const photos = builder.input("pixels", "float32", ["batch", 3, 8, 8]);
    builder.output(builder.flatten(photos, 1, EMBEDDING));
    const small = writeModel(modelOf(builder.graph()));
    const unfit = (says: RegExp) => (error: unknown) => error instanceof ModelsUnfit && says.test(error.message);
    assert.throws(() => joinModels(tuned, small), unfit(/Only models of one base encoder/));
    assert.throws(() => joinModels(tuned, whitened, [1, 0]), unfit(/Shares of 1 and 0/));
    assert.throws(
      () => joinModels(tuned, writeModel(modelOf(graph))),
      unfit(/gives conv_1 of 1 inputs|give one "embedding"/),
    );
    assert.throws(() => reduceModel(tuned, fit), unfit(/fitted on vectors of 3136; this model gives 16/));
  });
});

describe("mirror averaging", () => {
  it("gives the direction of both vectors' sum", async () => {
    const averaged = averageFlips(tuned, { layout: "NCHW" });
    assert.equal(convolutions(averaged).length, 52);
    assert.ok(bytesOf(averaged) < bytesOf(tuned) + 2000);
    const [plain, turned] = [await run(tuned, pictures), await run(tuned, mirrored(pictures))];
    const expected = new Float32Array(plain.length);
    for (let at = 0; at < plain.length; at += 16) {
      const sums = Array.from({ length: 16 }, (_, index) => plain[at + index]! + turned[at + index]!);
      const length = Math.hypot(...sums);
      for (const [index, sum] of sums.entries()) expected[at + index] = sum / length;
    }
    const rows = await run(averaged, pictures);
    assertNear(rows, expected, 1e-4);
    assertNear(await run(averaged, mirrored(pictures)), rows, 1e-4);
  });

  it("turns the width of photos whose channels come last", async () => {
    const builder = new GraphBuilder();
    const photos = builder.input("photos", "float32", ["batch", 2, 3, 1]);
    builder.output(builder.flatten(photos, 1, EMBEDDING));
    const model = averageFlips(writeModel(modelOf(builder.graph())), { layout: "NHWC" });
    const session = await InferenceSession.create(model);
    const input = new Tensor("float32", Float32Array.from([3, 0, 1, 0, 0, 4]), [1, 2, 3, 1]);
    const { embedding } = await session.run({ photos: input });
    await session.release();
    const sums = [4, 0, 4, 4, 0, 4];
    const length = Math.hypot(...sums);
    assertNear(
      embedding?.data as Float32Array,
      sums.map((sum) => sum / length),
      1e-5,
    );
  });

  it("refuses to do it twice, and a batch that is not open", () => {
    const once = averageFlips(tuned, { layout: "NCHW" });
    assert.throws(() => averageFlips(once, { layout: "NCHW" }), /averages over mirror images already/);
    const builder = new GraphBuilder();
    builder.output(builder.flatten(builder.input("photos", "float32", [1, 3, 8, 8]), 1, EMBEDDING));
    const closed = writeModel(modelOf(builder.graph()));
    assert.throws(() => averageFlips(closed, { layout: "NCHW" }), ModelsUnfit);
  });
});

describe("a described model", () => {
  it("says what it is made of and computes the same", async () => {
    const described = describeModel(whitened, { name: "clothing-3", recipe: "whitening", base: base.manifest });
    const { metadata, producerName, producerVersion } = readModel(described);
    assert.equal(producerName, "lookalike");
    assert.match(producerVersion, /^\d+\.\d+\.\d+/);
    assert.equal(metadata.get("lookalike.name"), "clothing-3");
    assert.equal(metadata.get("lookalike.base"), "mobilenet-v2");
    assert.equal(metadata.get("licence"), "Apache-2.0");
    assert.deepEqual(JSON.parse(metadata.get("lookalike.preprocessing") ?? ""), base.manifest.preprocessing);
    assertNear(await run(described, pictures), await run(whitened, pictures), 0);
  });
});
