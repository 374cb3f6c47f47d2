import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../../src/database/package-root.js";
import {
  createEncoderRegistry,
  type EncoderManifest,
  encoderDigest,
  PREPROCESSING_VERSION,
} from "../../src/encoders/index.js";
import { parseManifest } from "../../src/encoders/manifest.js";
import { createLogger } from "../../src/logger.js";

const builtin = path.join(packageRoot(), "encoders");
let data: string;

before(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), "lookalike-manifest-"));
});
after(() => rm(data, { recursive: true, force: true }));

async function manifestOf(name: string): Promise<EncoderManifest> {
  const file = path.join(builtin, name, "manifest.json");
  return parseManifest(JSON.parse(await readFile(file, "utf8")), file);
}

function withPreprocessing(manifest: Record<string, unknown>, change: Record<string, unknown>): unknown {
  return { ...manifest, preprocessing: { ...(manifest.preprocessing as object), ...change } };
}

describe("built-in manifests", () => {
  it("are valid, named as their folder, and licensed", async () => {
    const names = await readdir(builtin);
    assert.ok(names.length >= 6);
    for (const name of names) {
      const manifest = await manifestOf(name);
      assert.equal(manifest.name, name);
      assert.match(manifest.licence, /^(Apache-2\.0|MIT)$/);
      assert.equal(manifest.hub === undefined, name === "mobilenet-v2");
    }
  });
});

describe("a manifest", () => {
  const wrong: [string, (manifest: Record<string, unknown>) => unknown, RegExp][] = [
    ["a missing field", ({ dims, ...rest }) => rest, /dims/],
    ["a field that does not exist", (manifest) => ({ ...manifest, colour: "red" }), /colour/],
    ["a name that is a path", (manifest) => ({ ...manifest, name: "../../etc" }), /name/],
    ["a model outside its folder", (manifest) => ({ ...manifest, model: "../../model.onnx" }), /model/],
    ["a std of nought", (manifest) => withPreprocessing(manifest, { std: [0, 1, 1] }), /preprocessing\.std\.0/],
    ["an unknown resize", (manifest) => withPreprocessing(manifest, { resize: "stretch" }), /preprocessing\.resize/],
    ["no object", () => [], /manifest/],
  ];
  for (const [what, change, message] of wrong) {
    it(`with ${what} is refused, naming the field`, async () => {
      const manifest = { ...(await manifestOf("mobilenet-v2")) };
      assert.throws(() => parseManifest(change(manifest), "x/manifest.json"), { code: "ENCODER_BROKEN", message });
    });
  }

  it("gives another digest when its preprocessing changes, and the same when only its words do", async () => {
    const manifest = await manifestOf("mobilenet-v2");
    const digest = encoderDigest(manifest, "ab".repeat(32));
    assert.equal(
      encoderDigest({ ...manifest, description: "other", licence: "other", cuts: [] }, "ab".repeat(32)),
      digest,
    );
    const changes: EncoderManifest[] = [
      { ...manifest, preprocessing: { ...manifest.preprocessing, size: 192 } },
      { ...manifest, preprocessing: { ...manifest.preprocessing, resize: "pad" } },
      { ...manifest, preprocessing: { ...manifest.preprocessing, mean: [0.5, 0.5, 0.4] } },
      { ...manifest, output: "block_13/expand" },
      { ...manifest, pooling: "none" },
    ];
    const digests = [
      ...changes.map((changed) => encoderDigest(changed, "ab".repeat(32))),
      encoderDigest(manifest, "cd".repeat(32)),
    ];
    assert.equal(new Set([digest, ...digests]).size, changes.length + 2);
  });

  it("gives another digest when the code that makes the input changes", async () => {
    const manifest = await manifestOf("mobilenet-v2");
    assert.equal(encoderDigest(manifest, "00"), encoderDigest(manifest, "00", PREPROCESSING_VERSION));
    assert.notEqual(encoderDigest(manifest, "00"), encoderDigest(manifest, "00", PREPROCESSING_VERSION + 1));
  });

  /** The order of keys in the JSON file must not matter. */
  it("gives the same digest whatever the order of its fields", async () => {
    const manifest = await manifestOf("mobilenet-v2");
    const preprocessing = Object.fromEntries(Object.entries(manifest.preprocessing).reverse());
    const reversed = Object.fromEntries(Object.entries({ ...manifest, preprocessing }).reverse());
    assert.equal(encoderDigest(parseManifest(reversed, "x"), "00"), encoderDigest(manifest, "00"));
  });
});

describe("the registry", () => {
  const registry = () => createEncoderRegistry({ config: { data }, logger: createLogger("silent") });

  it("says what exists and how to pull what is only known", async () => {
    await assert.rejects(registry().open("resnet-9000"), {
      code: "ENCODER_UNKNOWN",
      message: /Installed: mobilenet-v2\. .*dinov2-small.*encoder add/,
    });
    await assert.rejects(registry().open("dinov2-small"), {
      code: "ENCODER_UNKNOWN",
      message: /lookalike encoder pull dinov2-small/,
    });
    await assert.rejects(registry().open("../../etc/passwd"), { code: "ENCODER_UNKNOWN" });
  });

  it("lists what works beside a folder that does not", async () => {
    const folder = path.join(data, "encoders", "damaged");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "manifest.json"), "{ not json");
    const names = (await registry().list()).map(({ manifest }) => manifest.name);
    assert.ok(names.includes("mobilenet-v2") && !names.includes("damaged"));
    await assert.rejects(registry().open("damaged"), { code: "ENCODER_BROKEN", message: /manifest\.json/ });
  });

  it("names the file that is missing beside a manifest", async () => {
    const folder = path.join(data, "encoders", "bare");
    await mkdir(folder, { recursive: true });
    const manifest = { ...(await manifestOf("mobilenet-v2")), name: "bare" };
    await writeFile(path.join(folder, "manifest.json"), JSON.stringify(manifest));
    await assert.rejects(registry().open("bare"), { code: "ENCODER_BROKEN", message: /bare.model\.onnx is missing/ });
  });
});
