import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createEncoderRegistry, type InstalledEncoder, poolVectors } from "../../src/encoders/index.js";
import { readTfliteModel, type TfliteModel } from "../../src/encoders/tflite-model.js";
import { layTrunk } from "../../src/encoders/trunk-layers.js";
import { trunkToOnnx } from "../../src/encoders/trunk-to-onnx.js";
import { createLogger } from "../../src/logger.js";
import { type Graph, GraphBuilder, modelOf, readModelFile, writeModel } from "../../src/onnx/index.js";
import { type FeatureMap, runTflite } from "../support/encoders-tflite-reference.js";

const logger = createLogger("silent");
const asset = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@mediapipe/objectron/package.json")),
  "objectron_solution_packed_assets.data",
);

let data: string;
let tflite: TfliteModel;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), "lookalike-encoders-"));
  tflite = readTfliteModel((await readFile(asset)).subarray(184));
});
after(() => rm(data, { recursive: true, force: true }));

/** A smooth picture with edges, in [-1, 1], channels last. */
function picture(side: number): FeatureMap {
  const values = new Float64Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [u, v] = [x / side, y / side];
      const disc = (u - 0.45) ** 2 + (v - 0.6) ** 2 < 0.07 ? 1 : 0;
      const at = (y * side + x) * 3;
      values[at] = Math.fround(2 * disc - 1);
      values[at + 1] = Math.fround(Math.sin(9 * u + 2 * v));
      values[at + 2] = Math.fround(u * v * 2 - 1 + 0.3 * Math.sin(40 * v));
    }
  }
  return { height: side, width: side, channels: 3, values };
}

/** [height, width, channels] in double precision → [channels, height, width]. */
function channelsFirst({ height, width, channels, values }: FeatureMap): Float32Array {
  const area = height * width;
  return Float32Array.from({ length: values.length }, (_, index) => {
    const [channel, position] = [Math.floor(index / area), index % area];
    return values[position * channels + channel]!;
  });
}

/** The same graph, giving inner values too. */
function exposing(graph: Graph, names: readonly string[]): Uint8Array {
  const builder = GraphBuilder.from(graph);
  for (const name of names) builder.output(builder.value(name));
  return writeModel(modelOf(builder.graph()));
}

/** The computed tensor whose name begins with a layer of MobileNetV2. */
function tensorOf(layer: string): number {
  const found = tflite.operators.find(
    ({ kind, output }) =>
      kind !== "dequantize" && tflite.tensors[output]?.name.startsWith(`FeatureExtractor/MobilenetV2/${layer}`),
  );
  assert.ok(found, layer);
  return found.output;
}

function largestDifference(actual: Float32Array, expected: Float32Array): { difference: number; scale: number } {
  assert.equal(actual.length, expected.length);
  let [difference, scale] = [0, 0];
  for (let index = 0; index < actual.length; index++) {
    difference = Math.max(difference, Math.abs(actual[index]! - expected[index]!));
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  return { difference, scale };
}

describe("conversion of the default encoder", () => {
  // 64 halves evenly to the end; 75 meets odd sides at three of the five strides, where SAME padding is symmetric.
  for (const side of [64, 75]) {
    it(`equals a direct TFLite interpreter at ${side} pixels, block by block`, async () => {
      const wanted = new Map([
        ["block_1/input", tensorOf("expanded_conv/project/")],
        ["block_3/input", tensorOf("expanded_conv_2/add")],
        ["block_13/input", tensorOf("expanded_conv_12/add")],
        ["block_13/expand", tensorOf("expanded_conv_13/expand/")],
        ["block_14/input", tensorOf("expanded_conv_13/project/")],
        ["block_16/input", tensorOf("expanded_conv_15/add")],
        ["conv_1", tensorOf("Conv_1/")],
      ]);
      const input = picture(side);
      const expected = runTflite(tflite, input, [...wanted.values()]);

      const { graph } = trunkToOnnx(layTrunk(tflite, side), side);
      const inner = [...wanted.keys()].filter((name) => name !== "conv_1");
      const session = await InferenceSession.create(exposing(graph, inner));
      const answer = await session.run({ pixels: new Tensor("float32", channelsFirst(input), [1, 3, side, side]) });
      await session.release();

      for (const [name, index] of wanted) {
        const reference = expected.get(index)!;
        const actual = answer[name]!;
        assert.deepEqual(actual.dims, [1, reference.channels, reference.height, reference.width], name);
        const { difference, scale } = largestDifference(actual.data as Float32Array, channelsFirst(reference));
        assert.ok(scale > 0.5, `${name} is not all zero`);
        assert.ok(difference < 2e-4 * scale, `${name}: off by ${difference} on a scale of ${scale}`);
      }
    });
  }

  it("tells a wrong padding from the right one", async () => {
    // Symmetric padding is what a careless conversion writes; the comparison above must be able to see it.
    const side = 64;
    const layers = layTrunk(tflite, side).map((layer) =>
      layer.convolution?.stride === 2
        ? { ...layer, convolution: { ...layer.convolution, pads: [1, 1, 0, 0] as const } }
        : layer,
    );
    const input = picture(side);
    const target = tensorOf("Conv_1/");
    const reference = runTflite(tflite, input, [target]).get(target)!;
    const session = await InferenceSession.create(writeModel(trunkToOnnx(layers, side)));
    const answer = await session.run({ pixels: new Tensor("float32", channelsFirst(input), [1, 3, side, side]) });
    await session.release();
    const { difference, scale } = largestDifference(answer.conv_1!.data as Float32Array, channelsFirst(reference));
    assert.ok(difference > 0.05 * scale, `off by ${difference} on a scale of ${scale}`);
  });
});

describe("the installed default encoder", () => {
  let encoder: InstalledEncoder;
  let graph: Graph;

  before(async () => {
    encoder = await createEncoderRegistry({ config: { data }, logger }).open("mobilenet-v2");
    graph = (await readModelFile(encoder.modelPath)).graph;
  });

  it("gives the vector of the TFLite graph for a picture of 224 pixels, alone and in a batch", async () => {
    const input = picture(224);
    const target = tensorOf("Conv_1/");
    const { values, channels } = runTflite(tflite, input, [target]).get(target)!;
    const sums = Array.from({ length: channels }, (_, channel) => {
      let sum = 0;
      for (let position = 0; position < 49; position++) sum += values[position * channels + channel]!;
      return sum;
    });
    const expected = Float32Array.from(sums, (sum) => sum / Math.hypot(...sums));
    const pixels = channelsFirst(input);
    const session = await InferenceSession.create(encoder.modelPath);
    for (const batch of [1, 3]) {
      const fed = new Float32Array(batch * pixels.length);
      fed.set(pixels, (batch - 1) * pixels.length);
      const answer = await session.run({ pixels: new Tensor("float32", fed, [batch, 3, 224, 224]) });
      const output = answer.conv_1!;
      const vectors = poolVectors({ data: output.data as Float32Array, dims: output.dims }, encoder.manifest);
      assert.equal(vectors.length, batch);
      const { difference, scale } = largestDifference(vectors[batch - 1]!, expected);
      assert.ok(difference < 2e-4 * scale, `off by ${difference} on a scale of ${scale}`);
    }
    await session.release();
  });

  it("names 17 blocks, every cut of the manifest and the tensor of 576 channels", () => {
    const values = new Map([...graph.valueTypes, ...graph.outputs.map(({ name, type }) => [name, type] as const)]);
    for (let block = 0; block < 17; block++) assert.ok(values.has(`block_${block}/input`), `block_${block}/input`);
    for (const cut of encoder.manifest.cuts) assert.ok(values.has(cut), cut);
    for (const cut of ["block_13/input", "block_14/input", "block_15/input", "block_16/input", "conv_1"]) {
      assert.ok(encoder.manifest.cuts.includes(cut), cut);
    }
    assert.deepEqual(values.get("block_13/expand")?.shape, ["batch", 576, 14, 14]);
    assert.deepEqual(values.get("block_14/input")?.shape, ["batch", 160, 7, 7]);
    assert.deepEqual(values.get("conv_1")?.shape, ["batch", 1280, 7, 7]);
  });

  it("holds float32 weights only, as training needs them", () => {
    const types = new Set([...graph.initialisers.values()].map(({ elementType }) => elementType));
    assert.deepEqual([...types], ["float32"]);
    assert.deepEqual(new Set(graph.nodes.map(({ operator }) => operator)), new Set(["Conv", "Clip", "Add"]));
  });

  it("is found again without a new conversion", async () => {
    const again = await createEncoderRegistry({ config: { data }, logger, defaultSource: "/nowhere" }).open(
      "mobilenet-v2",
    );
    assert.deepEqual(again, encoder);
  });

  it("is converted again when its file was damaged", async () => {
    const bytes = await readFile(encoder.modelPath);
    bytes[bytes.length >> 1]! ^= 0xff;
    await writeFile(encoder.modelPath, bytes);
    const again = await createEncoderRegistry({ config: { data }, logger }).open("mobilenet-v2");
    assert.equal(again.digest, encoder.digest);
    assert.notDeepEqual(await readFile(encoder.modelPath), bytes);
  });
});

describe("installing the default encoder", () => {
  it("works from several processes at once and leaves one folder", async () => {
    const folder = await mkdtemp(path.join(data, "several-"));
    const registry = fileURLToPath(new URL("../../src/encoders/index.js", import.meta.url));
    const log = fileURLToPath(new URL("../../src/logger.js", import.meta.url));
    const script = `
      const { createEncoderRegistry } = await import(${JSON.stringify(registry)});
      const { createLogger } = await import(${JSON.stringify(log)});
      const registry = createEncoderRegistry({ config: { data: ${JSON.stringify(folder)} }, logger: createLogger("silent") });
      process.stdout.write((await registry.open("mobilenet-v2")).digest);`;
    const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    const digests = (await Promise.all([run(), run(), run(), run()])).map(({ stdout }) => stdout);
    assert.match(digests[0]!, /^[0-9a-f]{64}$/);
    assert.equal(new Set(digests).size, 1);
    assert.equal((await readdir(path.join(folder, "encoders", "mobilenet-v2"))).length, 1);
  });

  it("says what to install when the package is missing", async () => {
    const folder = await mkdtemp(path.join(data, "missing-"));
    const registry = createEncoderRegistry({
      config: { data: folder },
      logger,
      defaultSource: path.join(folder, "no.data"),
    });
    await assert.rejects(registry.open("mobilenet-v2"), {
      code: "ENCODER_SOURCE_MISSING",
      message: /npm install @mediapipe\/objectron@0\.4\.1675468480/,
    });
  });

  it("refuses a package whose bytes differ", async () => {
    const folder = await mkdtemp(path.join(data, "differs-"));
    const source = path.join(folder, "asset.data");
    await copyFile(asset, source);
    const bytes = await readFile(source);
    bytes[5_000_000]! ^= 1;
    await writeFile(source, bytes);
    const registry = createEncoderRegistry({ config: { data: folder }, logger, defaultSource: source });
    await assert.rejects(registry.open("mobilenet-v2"), { code: "ENCODER_SOURCE_MISSING", message: /SHA-256/ });
    assert.deepEqual((await readdir(folder)).sort(), ["asset.data"]);
  });
});
