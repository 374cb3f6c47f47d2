import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { EncoderManifest } from "../../src/encoders/index.js";
import { GraphBuilder, modelOf, writeModel } from "../../src/onnx/index.js";
import { lookalike } from "../support/command-line.js";
import { tinyModel } from "../support/encoders-tiny-model.js";

/** Any size → tokens [batch, positions, 12] and a feature map [batch, 12, height, width]. */
function patchModel() {
  const builder = new GraphBuilder();
  const pixels = builder.input("pixels", "float32", ["batch", 3, "height", "width"]);
  const filters = builder.floats(
    [12, 3, 2, 2],
    Array.from({ length: 144 }, (_, index) => Math.sin(index * 7)),
  );
  const map = builder.conv(pixels, filters, undefined, { strides: [2, 2], name: "map" });
  builder.output(map, "map");
  builder.output(builder.transpose(builder.reshape(map, [0, 12, -1]), [0, 2, 1], "tokens"), "tokens");
  return modelOf(builder.graph());
}

describe("encoders on the command line", () => {
  let folder: string;
  let settings: Record<string, string>;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-cli-encoders-"));
    settings = { LOOKALIKE_DATA: path.join(folder, "data") };
    await writeFile(path.join(folder, "patches.onnx"), writeModel(patchModel()));
    await writeFile(path.join(folder, "plain.onnx"), writeModel(tinyModel()));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const add = async (file: string, ...options: string[]) => {
    const { code, stdout, stderr } = await lookalike(
      ["encoder", "add", path.join(folder, file), ...options, "--json"],
      settings,
    );
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as { manifest: EncoderManifest; guesses: string[] };
  };

  it("adds a file with what the caller knows of it, and guesses nothing then", async () => {
    const known = "--size 20 --resize pad --mean 0.5,0.4,0.3 --std 0.5,0.6,0.7 --output tokens --pooling mean-tokens";
    const { manifest, guesses } = await add("patches.onnx", "--name", "shop", ...known.split(" "), "--licence", "MIT");
    assert.deepEqual(guesses, []);
    assert.deepEqual(manifest.preprocessing, {
      size: 20,
      resize: "pad",
      layout: "NCHW",
      mean: [0.5, 0.4, 0.3],
      std: [0.5, 0.6, 0.7],
    });
    const { name, licence, output, pooling, dims } = manifest;
    assert.deepEqual([name, licence, output, pooling, dims], ["shop", "MIT", "tokens", "mean-tokens", 12]);
  });

  it("adds a file of which nothing is said, and says what it guessed", async () => {
    const { manifest, guesses } = await add("plain.onnx");
    assert.equal(manifest.name, "plain");
    assert.ok(guesses.length > 0);
  });

  it("refuses values that cannot be meant", async () => {
    for (const options of [
      ["--mean", "0.5"],
      ["--mean", "0.5,0.5,"],
      ["--std", "a,b,c"],
      ["--size", "7"],
      ["--resize", "stretch"],
      ["--pooling", "max"],
    ]) {
      const { code, stderr } = await lookalike(
        ["encoder", "add", path.join(folder, "plain.onnx"), ...options],
        settings,
      );
      assert.equal(code, 1, options.join(" "));
      assert.match(stderr, /^error: option /);
    }
  });

  it("pulls by the lock file that it is given", async () => {
    const lock = path.join(folder, "shop.lock.json");
    await writeFile(lock, "{ not json");
    // Nothing listens there: a lock file elsewhere would end in another error.
    const offline = { ...settings, LOOKALIKE_HUB_URL: "http://127.0.0.1:9" };
    const { code, stderr } = await lookalike(["encoder", "pull", "siglip-base", "--lock", lock], offline);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${lock} is not a valid encoder lock file`), stderr);
  });
});
