import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { artefactsIn } from "../../src/models/artefact-store.js";
import { type ArtefactStore, createArtefactStore } from "../../src/models/index.js";
import { startS3Fake } from "../support/photos-s3-fake.js";

const bytes = Buffer.from("weights, as far as the store can tell");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const key = "models/7/encoder.onnx";

function keepsArtefacts(
  open: () => Promise<{ store: ArtefactStore; damage(): Promise<void>; close(): Promise<void> }>,
) {
  let opened: Awaited<ReturnType<typeof open>>;
  before(async () => {
    opened = await open();
  });
  after(() => opened.close());

  it("keeps, replaces, gives back and deletes a file", async () => {
    const { store } = opened;
    await assert.rejects(store.read(key), { code: "ARTEFACT_MISSING" });
    await store.write(key, Buffer.from("an earlier version"));
    assert.equal(await store.write(key, bytes), sha256);
    assert.deepEqual(await store.read(key), bytes);
    assert.deepEqual(await store.read(key, sha256), bytes);
    await store.delete(key);
    await store.delete(key);
    await assert.rejects(store.read(key, sha256), { code: "ARTEFACT_MISSING" });
  });

  it("notices a file that was changed", async () => {
    await opened.store.write(key, bytes);
    await opened.damage();
    await assert.rejects(opened.store.read(key, sha256), { code: "ARTEFACT_DAMAGED" });
  });

  it("takes no key that leaves its place", async () => {
    for (const wrong of ["../outside", "models/../../outside", "/etc/passwd", "", "a//b", "models/.hidden", "a\\b"]) {
      await assert.rejects(opened.store.write(wrong, bytes), { code: "BAD_USER_INPUT" });
      await assert.rejects(opened.store.read(wrong), { code: "BAD_USER_INPUT" });
      await assert.rejects(opened.store.delete(wrong), { code: "BAD_USER_INPUT" });
    }
  });
}

describe("artefacts in the data folder", () => {
  keepsArtefacts(async () => {
    const data = await mkdtemp(path.join(tmpdir(), "lookalike-artefacts-"));
    return {
      store: createArtefactStore({ blobStore: "file", data }),
      damage: () => writeFile(path.join(data, "artefacts", key), "something else"),
      close: () => rm(data, { recursive: true }),
    };
  });

  it("says when the disk is full, and keeps what was there", async (context) => {
    // A real device without room: every write to it fails with ENOSPC.
    const { createFileBlobs } = await import("../../src/catalog/photos/blob-file-store.js");
    const data = await mkdtemp(path.join(tmpdir(), "lookalike-artefacts-"));
    context.after(() => rm(data, { recursive: true }));
    const place = createFileBlobs(data);
    await place.write(key, bytes);
    const full = artefactsIn({
      ...place,
      write: async () => writeFile("/dev/full", bytes),
    });
    await assert.rejects(full.write(key, bytes), { code: "ARTEFACT_NOT_WRITTEN", message: /the disk is full/ });
    assert.deepEqual(await full.read(key, sha256), bytes);
    // The folder of the data is a file.
    const folder = path.join(data, key);
    await assert.rejects(createArtefactStore({ blobStore: "file", data: folder }).write(key, bytes), {
      code: "ARTEFACT_NOT_WRITTEN",
    });
    assert.deepEqual(await readdir(path.join(data, "models", "7")), ["encoder.onnx"]);
  });
});

describe("artefacts in an S3-compatible store (a fake of the protocol on loopback)", () => {
  const variables = {
    AWS_ACCESS_KEY_ID: "lookalike",
    AWS_SECRET_ACCESS_KEY: "only-for-tests",
    AWS_REGION: "eu-central-1",
  };
  const earlier = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  keepsArtefacts(async () => {
    Object.assign(process.env, variables);
    const s3 = await startS3Fake({ accessKey: "lookalike", bucket: "pictures" });
    return {
      store: createArtefactStore({ blobStore: "s3://pictures/shop/", s3Endpoint: s3.endpoint, data: "unused" }),
      damage: async () => {
        assert.deepEqual([...s3.objects.keys()], [`shop/artefacts/${key}`]);
        s3.objects.set(`shop/artefacts/${key}`, Buffer.from("something else"));
      },
      close: async () => {
        s3.close();
        for (const [name, value] of Object.entries(earlier)) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      },
    };
  });
});
