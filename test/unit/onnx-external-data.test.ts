import assert from "node:assert/strict";
import { mkdir, mkdtemp, open, readdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import {
  ExternalDataUnavailable,
  float32Tensor,
  GraphBuilder,
  modelOf,
  NotAnOnnxModel,
  OnnxModelTooLarge,
  readModel,
  readModelFile,
  writeModel,
  writeModelFile,
} from "../../src/onnx/index.js";
import { ModelProtoSchema, TensorProto_DataLocation } from "../../src/onnx/protobuf/onnx_pb.js";

describe("weights in a file beside the model", () => {
  let root: string;
  let folder: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "onnx-external-"));
  });
  after(() => rm(root, { recursive: true }));
  beforeEach(async () => {
    folder = await mkdtemp(join(root, "case-"));
  });

  test("written, read and run like weights inside", async () => {
    const path = join(folder, "model.onnx");
    await writeModelFile(linear(), path, { externalDataFrom: 16 });
    assert.deepEqual((await readdir(folder)).sort(), ["model.onnx", "model.onnx.data"]);
    assert.deepEqual(await readModelFile(path), linear());
    const session = await InferenceSession.create(path);
    const inside = await InferenceSession.create(writeModel(linear()));
    const feeds = { x: new RuntimeTensor("float32", [1, 2, 3], [1, 3]) };
    assert.deepEqual((await session.run(feeds)).y?.data, (await inside.run(feeds)).y?.data);
  });

  test("bytes alone, without the folder, are refused", async () => {
    const bytes = reference({ location: "weights.bin" });
    assert.throws(() => readModel(bytes), ExternalDataUnavailable);
  });

  const refused: Record<string, { entries: Record<string, string>; reason: RegExp }> = {
    "a missing file": { entries: { location: "gone.bin" }, reason: /ENOENT/ },
    "a way out of the folder": { entries: { location: "../weights.bin" }, reason: /outside the folder/ },
    "a way out in the middle": { entries: { location: "sub/../../weights.bin" }, reason: /outside the folder/ },
    "an absolute path": { entries: { location: "/etc/hostname" }, reason: /outside the folder/ },
    "a link out of the folder": { entries: { location: "link.bin" }, reason: /link to a file outside/ },
    "no location": { entries: {}, reason: /no file is named/ },
    "a file that ends too early": { entries: { location: "weights.bin", offset: "8" }, reason: /too early/ },
    "another length than the shape's": { entries: { location: "weights.bin", length: "4" }, reason: /12 are needed/ },
    "a negative offset": { entries: { location: "weights.bin", offset: "-1" }, reason: /offset/ },
    "a folder": { entries: { location: "sub" }, reason: /EISDIR/ },
  };
  for (const [title, { entries, reason }] of Object.entries(refused)) {
    test(`${title} is refused`, async () => {
      await writeFile(join(root, "weights.bin"), new Uint8Array(64));
      await writeFile(join(folder, "weights.bin"), new Uint8Array(12));
      await mkdir(join(folder, "sub"));
      await symlink(join(root, "weights.bin"), join(folder, "link.bin"));
      const path = join(folder, "model.onnx");
      await writeFile(path, reference(entries));
      await assert.rejects(readModelFile(path), (error) => {
        assert.ok(error instanceof ExternalDataUnavailable, String(error));
        assert.match(error.message, /"w"/);
        assert.match(error.message, reason);
        return true;
      });
    });
  }

  test("a link within the folder is followed, an offset counts", async () => {
    const data = Float32Array.from([9, 1, 2, 3]);
    await writeFile(join(folder, "real.bin"), data);
    await symlink("real.bin", join(folder, "weights.bin"));
    const path = join(folder, "model.onnx");
    await writeFile(path, reference({ location: "weights.bin", offset: "4" }));
    const { graph } = await readModelFile(path);
    assert.deepEqual(graph.initialisers.get("w"), float32Tensor([3], [1, 2, 3]));
  });

  test("a model moved without its data says which file to bring", async () => {
    await writeModelFile(linear(), join(folder, "model.onnx"), { externalDataFrom: 16 });
    await mkdir(join(folder, "elsewhere"));
    await rename(join(folder, "model.onnx"), join(folder, "elsewhere", "model.onnx"));
    await assert.rejects(readModelFile(join(folder, "elsewhere", "model.onnx")), /model\.onnx\.data/);
  });

  test("a file above 2 GiB is refused unread, an empty one is no model", async () => {
    const path = join(folder, "huge.onnx");
    await (await open(path, "w")).close();
    await assert.rejects(readModelFile(path), NotAnOnnxModel);
    await truncate(path, 2 ** 31);
    await assert.rejects(readModelFile(path), OnnxModelTooLarge);
  });
});

function linear() {
  const builder = new GraphBuilder({ name: "linear" });
  const x = builder.input("x", "float32", ["batch", 3]);
  const weight = builder.initialiser(
    "weight",
    float32Tensor(
      [3, 4],
      Float32Array.from({ length: 12 }, (_, index) => Math.sin(index)),
    ),
  );
  builder.output(builder.add(builder.matMul(x, weight), 0.5), "y");
  return modelOf(builder.graph());
}

/** A model with one weight w, float32[3], that lies elsewhere. */
function reference(entries: Readonly<Record<string, string>>): Uint8Array {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const dataLocation = TensorProto_DataLocation.EXTERNAL;
  const initializer = [{ name: "w", dims: [3n], dataType: 1, dataLocation, externalData }];
  const message = { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph: { name: "g", initializer } };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, message));
}
