import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { addEncoder, createEncoderRegistry } from "../../src/encoders/index.js";
import { createLogger } from "../../src/logger.js";
import { GraphBuilder, type Model, modelOf, writeModel, writeModelFile } from "../../src/onnx/index.js";
import { tinyModel } from "../support/encoders-tiny-model.js";

let root: string;
let data: string;

before(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lookalike-add-"));
});
after(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  data = await mkdtemp(path.join(root, "data-"));
});

const dependencies = () => ({ config: { data }, logger: createLogger("silent") });

async function save(model: Model | Uint8Array, name = "My Vision Model.onnx"): Promise<string> {
  const file = path.join(await mkdtemp(path.join(root, "file-")), name);
  await writeFile(file, model instanceof Uint8Array ? model : writeModel(model));
  return file;
}

/** Nothing of a refused file may stay behind. */
async function assertNothingAdded(): Promise<void> {
  assert.deepEqual(await readdir(path.join(data, "encoders")).catch(() => []), []);
}

/** [batch, 3, 16, 16] → tokens [batch, 64, 12] and a feature map [batch, 12, 8, 8]. */
function patchModel(outputs: readonly ("tokens" | "map")[]): Model {
  const builder = new GraphBuilder();
  const pixels = builder.input("pixels", "float32", ["batch", 3, 16, 16]);
  const filters = builder.floats(
    [12, 3, 2, 2],
    Array.from({ length: 144 }, (_, index) => Math.sin(index * 7)),
  );
  const map = builder.conv(pixels, filters, undefined, { strides: [2, 2], name: "map" });
  const flat = builder.reshape(map, [0, 12, 64]);
  for (const output of outputs) {
    builder.output(output === "map" ? map : builder.transpose(flat, [0, 2, 1], "tokens"), output);
  }
  return modelOf(builder.graph());
}

describe("encoder add", () => {
  it("proposes a manifest, says what it guessed, tries it and installs it", async () => {
    const file = await save(tinyModel());
    const added = await addEncoder(file, dependencies());
    assert.equal(added.manifest.name, "my-vision-model");
    assert.equal(added.manifest.input, "pixel_values");
    assert.equal(added.manifest.output, "image_embeds");
    assert.equal(added.manifest.pooling, "none");
    assert.equal(added.manifest.dims, 128);
    assert.equal(added.manifest.preprocessing.size, 16);
    assert.equal(added.manifest.preprocessing.layout, "NCHW");
    assert.ok(added.guesses.some((guess) => /Mean and std .* are a guess/.test(guess)));
    assert.ok(added.trial.cosine < 0.999);
    assert.deepEqual(await readFile(added.modelPath), await readFile(file));

    const opened = await createEncoderRegistry(dependencies()).open("my-vision-model");
    assert.equal(opened.digest, added.digest);
    const listed = await createEncoderRegistry(dependencies()).list();
    assert.ok(listed.some((entry) => entry.manifest.name === "my-vision-model" && !("installed" in entry)));
  });

  it("takes the caller's word over a guess", async () => {
    const added = await addEncoder(await save(tinyModel()), dependencies(), {
      name: "shop",
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      resize: "pad",
      licence: "MIT",
    });
    assert.equal(added.manifest.name, "shop");
    assert.deepEqual(added.manifest.preprocessing.mean, [0.5, 0.5, 0.5]);
    assert.equal(added.manifest.preprocessing.resize, "pad");
    assert.deepEqual(added.guesses, []);
  });

  it("pools a feature map and takes the class token of a sequence", async () => {
    const map = await addEncoder(await save(patchModel(["map"])), dependencies(), { name: "map" });
    assert.deepEqual([map.manifest.pooling, map.manifest.dims], ["average", 12]);
    const tokens = await addEncoder(await save(patchModel(["tokens"])), dependencies(), { name: "tokens" });
    assert.deepEqual([tokens.manifest.pooling, tokens.manifest.dims], ["cls", 12]);
    assert.ok(tokens.guesses.some((guess) => /mean-tokens/.test(guess)));
    const both = await addEncoder(await save(patchModel(["map", "tokens"])), dependencies(), {
      name: "both",
      output: "tokens",
      pooling: "mean-tokens",
    });
    assert.deepEqual([both.manifest.output, both.manifest.pooling], ["tokens", "mean-tokens"]);
  });

  it("reads a channels-last input", async () => {
    const builder = new GraphBuilder();
    const pixels = builder.input("image", "float32", ["batch", 16, 16, 3]);
    const weights = Array.from({ length: 768 * 8 }, (_, index) => Math.sin(index * 3));
    builder.output(builder.matMul(builder.flatten(pixels), builder.floats([768, 8], weights)), "vector");
    const added = await addEncoder(await save(modelOf(builder.graph())), dependencies());
    assert.equal(added.manifest.preprocessing.layout, "NHWC");
    assert.equal(added.manifest.dims, 8);
  });

  it("puts weights that lie beside the file inside", async () => {
    const folder = await mkdtemp(path.join(root, "external-"));
    const file = path.join(folder, "external.onnx");
    await writeModelFile(tinyModel(), file, { externalDataFrom: 1024 });
    const added = await addEncoder(file, dependencies());
    const beside = (await readdir(folder)).find((name) => name !== "external.onnx");
    assert.ok(beside);
    await rm(path.join(folder, beside));
    assert.equal((await createEncoderRegistry(dependencies()).open("external")).digest, added.digest);

    await assert.rejects(addEncoder(file, dependencies(), { name: "again" }), {
      code: "ONNX_EXTERNAL_DATA_UNAVAILABLE",
    });
    assert.ok(!(await readdir(path.join(data, "encoders"))).some((name) => name.includes("again")));
  });

  it("asks for the size of a model that takes any", async () => {
    const file = await save(tinyModel({ side: "side" }));
    await assert.rejects(addEncoder(file, dependencies()), { code: "ENCODER_REFUSED", message: /--size 224/ });
    await assertNothingAdded();
    const added = await addEncoder(file, dependencies(), { size: 32 });
    assert.equal(added.manifest.preprocessing.size, 32);
  });

  const refused: [string, () => Model | Uint8Array, string, RegExp][] = [
    ["bytes that are no ONNX", () => Buffer.from("%PDF-1.7 not a model"), "NOT_AN_ONNX_MODEL", /ONNX/],
    ["an empty file", () => new Uint8Array(), "NOT_AN_ONNX_MODEL", /ONNX/],
    ["a truncated model", () => writeModel(tinyModel()).subarray(0, 50_000), "NOT_AN_ONNX_MODEL", /ONNX/],
    [
      "a model with a second input",
      () => {
        const builder = new GraphBuilder();
        const pixels = builder.input("pixel_values", "float32", ["batch", 3, 16, 16]);
        const text = builder.input("input_ids", "int64", ["batch", 77]);
        builder.output(builder.flatten(pixels), "image_embeds");
        builder.output(builder.cast(text, "float32"), "text_embeds");
        return modelOf(builder.graph());
      },
      "ENCODER_REFUSED",
      /takes 2 inputs .*input_ids.*vision half/,
    ],
    ["a fixed batch", () => tinyModel({ batch: 1 }), "ENCODER_REFUSED", /fixed batch of 1.*dynamic/],
    [
      "an input that is no picture",
      () => {
        const builder = new GraphBuilder();
        const input = builder.input("x", "float32", ["batch", 40]);
        builder.output(builder.relu(input), "y");
        return modelOf(builder.graph());
      },
      "ENCODER_REFUSED",
      /no batch of pictures/,
    ],
    [
      "a picture of one channel",
      () => {
        const builder = new GraphBuilder();
        const input = builder.input("x", "float32", ["batch", 1, 16, 16]);
        builder.output(builder.flatten(input), "y");
        return modelOf(builder.graph());
      },
      "ENCODER_REFUSED",
      /no axis of 3 colour channels/,
    ],
    ["a model that gives noughts", () => tinyModel({ blind: "zeros" }), "ENCODER_BROKEN", /zero or not finite/],
    ["a model that sees nothing", () => tinyModel({ blind: "ones" }), "ENCODER_BROKEN", /the same vector/],
  ];
  for (const [what, make, code, message] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(addEncoder(await save(make()), dependencies()), { code, message });
      await assertNothingAdded();
    });
  }

  it("refuses a name that is taken, or is none", async () => {
    const file = await save(tinyModel());
    await addEncoder(file, dependencies(), { name: "mine" });
    for (const name of ["mine", "mobilenet-v2", "../up", "Upper Case", ""]) {
      await assert.rejects(addEncoder(file, dependencies(), { name }), { code: "ENCODER_REFUSED", message: /--name/ });
    }
  });

  it("refuses a file that is not there, and a folder", async () => {
    await assert.rejects(addEncoder(path.join(root, "nothing.onnx"), dependencies()), { code: "ENCODER_REFUSED" });
    await assert.rejects(addEncoder(root, dependencies(), { name: "folder" }), { code: "ENCODER_REFUSED" });
  });
});
