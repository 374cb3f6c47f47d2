import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { openEncoderSession } from "../../src/embedding/encoder-session.js";
import {
  createEmbedder,
  createEmbedders,
  createPreprocessor,
  DeviceUnavailable,
  type Embedder,
  EncoderStale,
  ModelMissing,
} from "../../src/embedding/index.js";
import type { InstalledEncoder } from "../../src/encoders/encoder.type.js";
import { EncoderBroken } from "../../src/encoders/encoder-errors.js";
import { createLogger } from "../../src/logger.js";
import { ArtefactMissing } from "../../src/models/artefact-store.errors.js";
import type { ModelVersion } from "../../src/models/model-version.type.js";
import { type Graph, modelOf, readModelFile, writeModelFile } from "../../src/onnx/index.js";
import { testLogger } from "../support/database.js";
import { TINY_DIMS, tinyEncoder } from "../support/embedding-tiny-encoder.js";
import { gradient } from "../support/photos-samples.js";

const photosOf = (count: number): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      gradient(32)
        .modulate({ hue: index * 7 })
        .resize(20 + (index % 5) * 9, 30)
        .jpeg()
        .toBuffer(),
    ),
  );

const cosine = (left: Float32Array, right: Float32Array): number =>
  left.reduce((sum, value, at) => sum + value * right[at]!, 0);

describe("an embedder", () => {
  let encoder: InstalledEncoder;
  let embedder: Embedder;
  before(async () => {
    encoder = await tinyEncoder();
    embedder = await createEmbedder({ encoder, device: "cpu", threads: 3, logger: testLogger });
  });
  after(() => embedder.close());

  test("gives each photo its own unit vector, in order", async () => {
    const photos = await photosOf(23);
    const together = await embedder.embed(photos);
    assert.equal(together.length, 23);
    for (const [index, vector] of together.entries()) {
      assert.ok(vector instanceof Float32Array);
      assert.equal(vector.length, TINY_DIMS);
      assert.ok(Math.abs(cosine(vector, vector) - 1) < 1e-5);
      const [alone] = await embedder.embed([photos[index]!]);
      assert.deepEqual(vector, alone);
    }
    assert.notDeepEqual(together[0], together[1]);
    assert.deepEqual(await embedder.embed([]), []);
  });

  test("computes what the graph says of the preprocessed photo", async () => {
    const [photo] = await photosOf(1);
    const preprocessor = createPreprocessor(encoder.manifest.preprocessing, { slots: 1, maxPixels: 1e6 });
    await preprocessor.write(photo!, 0);
    const input = preprocessor.tensor(1);
    // The weights of tinyModel: one row of 128 for each of the input's values.
    let seed = 1;
    const expected = new Float64Array(TINY_DIMS);
    for (const value of input) {
      for (let dim = 0; dim < TINY_DIMS; dim++) {
        seed = (seed * 48271) % 2147483647;
        expected[dim] = expected[dim]! + value * Math.fround(seed / 2147483647 - 0.5);
      }
    }
    const length = Math.hypot(...expected);
    const [vector] = await embedder.embed([photo!]);
    assert.ok(vector instanceof Float32Array);
    vector.forEach((value, dim) => {
      assert.ok(Math.abs(value - expected[dim]! / length) < 1e-4);
    });
  });

  test("says of an unreadable photo why, and embeds the others", async () => {
    const photos = await photosOf(6);
    const expected = await embedder.embed(photos);
    photos[1] = Buffer.from("not a picture");
    photos[4] = photos[4]!.subarray(0, photos[4]!.length - 40);
    const results = await embedder.embed(photos);
    assert.ok(results[1] instanceof PhotoUnreadable && results[1].code === "PHOTO_DAMAGED");
    assert.ok(results[4] instanceof PhotoUnreadable && results[4].code === "PHOTO_TRUNCATED");
    assert.match(results[4].message, /^The picture ends before it is complete\. (?!The picture)/);
    for (const index of [0, 2, 3, 5]) assert.deepEqual(results[index], expected[index]);
  });

  test("takes photos that are slices of a larger buffer", async () => {
    const photos = await photosOf(2);
    const joined = Buffer.concat(photos);
    const slices = [joined.subarray(0, photos[0]!.length), joined.subarray(photos[0]!.length)];
    assert.deepEqual(await embedder.embed(slices), await embedder.embed(photos));
  });

  test("serves callers at the same time", async () => {
    const photos = await photosOf(8);
    const expected = await embedder.embed(photos);
    const answers = await Promise.all(Array.from({ length: 6 }, () => embedder.embed(photos)));
    for (const answer of answers) assert.deepEqual(answer, expected);
  });

  test("stops when asked to, and works on afterwards", async () => {
    const photos = await photosOf(120);
    const controller = new AbortController();
    const stopped = embedder.embed(photos, controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(stopped, /enough/);
    assert.equal((await embedder.embed(photos)).length, 120);
  });

  test("gives the same vectors with one lane as with three", async () => {
    const photos = await photosOf(9);
    const single = await createEmbedder({ encoder, device: "cpu", threads: 1, logger: testLogger });
    assert.deepEqual(await single.embed(photos), await embedder.embed(photos));
    await single.close();
  });

  test("does not keep a program from ending", async () => {
    const script = path.join(path.dirname(encoder.modelPath), "embed-and-end.mjs");
    const module = new URL("../../src/embedding/index.js", import.meta.url).href;
    const logger = new URL("../../src/logger.js", import.meta.url).href;
    const photo = path.join(path.dirname(encoder.modelPath), "photo.jpg");
    writeFileSync(photo, (await photosOf(1))[0]!);
    writeFileSync(
      script,
      `import { readFileSync } from "node:fs";
       import { createEmbedder } from ${JSON.stringify(module)};
       import { createLogger } from ${JSON.stringify(logger)};
       const embedder = await createEmbedder({ encoder: ${JSON.stringify(encoder)}, device: "cpu", logger: createLogger("silent") });
       const [vector] = await embedder.embed([readFileSync(${JSON.stringify(photo)})]);
       console.log(vector.length);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    assert.equal(stdout.trim(), String(TINY_DIMS));
  });
});

describe("encoders that cannot be used", () => {
  test("no direction in the vectors: an error for the batch, not a wrong vector", async () => {
    const blind = await createEmbedder({
      encoder: await tinyEncoder({ blind: "zeros" }),
      device: "cpu",
      logger: testLogger,
    });
    await assert.rejects(blind.embed(await photosOf(1)), EncoderBroken);
    await blind.close();
  });

  test("a manifest that names other tensors", async () => {
    const encoder = await tinyEncoder({ output: "something_else" });
    await assert.rejects(
      createEmbedder({ encoder, device: "cpu", logger: testLogger }),
      (error: unknown) => error instanceof EncoderBroken && error.message.includes("something_else"),
    );
  });

  test("a file that is no graph", async () => {
    const encoder = await tinyEncoder();
    const modelPath = fileURLToPath(import.meta.url);
    await assert.rejects(createEmbedder({ encoder: { ...encoder, modelPath }, device: "cpu", logger: testLogger }));
  });
});

describe("the device", () => {
  test("that is asked for by name and absent is an error that says what to do", async (context) => {
    const encoder = await tinyEncoder();
    let embedder: Embedder;
    try {
      embedder = await createEmbedder({ encoder, device: "cuda", logger: testLogger });
    } catch (error) {
      assert.ok(error instanceof DeviceUnavailable);
      assert.equal(error.code, "DEVICE_UNAVAILABLE");
      assert.match(error.message, /cannot run on cuda: .+ --onnxruntime-node-install=cuda12/);
      return;
    }
    await embedder.close();
    context.skip("this machine has CUDA");
  });

  test("refuses an encoder whose shapes nobody knows, rather than compute it wrongly", async () => {
    const encoder = await tinyEncoder();
    const { graph } = await readModelFile(encoder.modelPath);
    const [first, ...rest] = graph.nodes;
    const odd: Graph = {
      ...graph,
      otherOpsets: new Map([["shop.example", 1]]),
      nodes: [{ ...first!, operator: "Fold", domain: "shop.example" }, ...rest],
    };
    await writeModelFile(modelOf(odd), encoder.modelPath);
    await assert.rejects(openEncoderSession(encoder, "webgpu", 1), (error) => {
      assert.ok(error instanceof DeviceUnavailable);
      assert.match(error.message, /"tiny" cannot run on webgpu: .*shop\.example\.Fold.* Use the device "cpu"/);
      return true;
    });
  });

  test("is found by itself, and each that failed has one log line", async () => {
    const lines: { device?: string; msg: string }[] = [];
    const logger = createLogger("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
    const embedder = await createEmbedder({ encoder: await tinyEncoder(), device: "auto", threads: 1, logger });
    const refused = lines.filter(({ msg }) => /trying the next/.test(msg)).map(({ device }) => device);
    const order = ["cuda", "webgpu", "cpu"];
    assert.deepEqual(refused, order.slice(0, order.indexOf(embedder.device)));
    await embedder.close();
  });
});

describe("the embedders of model versions", () => {
  const model = (id: number, changes: Partial<ModelVersion> = {}): ModelVersion => ({
    id,
    name: `base-${id}`,
    encoder: "tiny",
    encoderDigest: "tiny-digest",
    dims: TINY_DIMS,
    state: "ACTIVE",
    ...changes,
  });

  test("are loaded once, and shared by versions of one digest", async () => {
    let opened = 0;
    const encoder = await tinyEncoder();
    const embedders = createEmbedders({
      models: { find: async (id) => (id < 3 ? model(id) : undefined) },
      encoders: {
        open: async () => {
          opened += 1;
          return encoder;
        },
      },
      artefacts: { read: (key) => Promise.reject(new ArtefactMissing(key)) },
      config: { device: "cpu", maxPixels: 1e6, data: tmpdir() },
      threads: 1,
      logger: testLogger,
    });
    const [first, again] = await Promise.all([embedders.forModel(1), embedders.forModel(1)]);
    assert.equal(first, again);
    assert.equal(await embedders.forModel(2), first);
    assert.equal(opened, 1);
    await assert.rejects(embedders.forModel(3), ModelMissing);
    await embedders.close();
  });

  test("refuse an encoder that is not the one of the vectors, until it is there", async () => {
    const encoder = await tinyEncoder();
    let digest = "another";
    const embedders = createEmbedders({
      models: { find: async (id) => model(id) },
      encoders: { open: async () => ({ ...encoder, digest }) },
      artefacts: { read: (key) => Promise.reject(new ArtefactMissing(key)) },
      config: { device: "cpu", maxPixels: 1e6, data: tmpdir() },
      threads: 1,
      logger: testLogger,
    });
    await assert.rejects(embedders.forModel(1), (error: unknown) => {
      assert.ok(error instanceof EncoderStale);
      assert.equal(error.code, "ENCODER_STALE");
      return true;
    });
    digest = "tiny-digest";
    const [vector] = await (await embedders.forModel(1)).embed([
      await sharp(await gradient(9).png().toBuffer()).toBuffer(),
    ]);
    assert.ok(vector instanceof Float32Array);
    await embedders.close();
  });
});
