import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { createBlobStore } from "../../src/catalog/photos/blob-store.js";
import { startS3Fake } from "../support/photos-s3-fake.js";

const bytes = Buffer.from("a photo, as far as the store can tell");
const hash = createHash("sha256").update(bytes).digest("hex");
const key = `shop/photos/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`;
const variables = {
  AWS_ACCESS_KEY_ID: "lookalike",
  AWS_SECRET_ACCESS_KEY: "only-for-tests",
  AWS_REGION: "eu-central-1",
};

describe("blobs in an S3-compatible store (a fake of the protocol on loopback)", () => {
  let s3: Awaited<ReturnType<typeof startS3Fake>>;
  const earlier: Record<string, string | undefined> = {};
  before(async () => {
    s3 = await startS3Fake({ accessKey: "lookalike", bucket: "pictures" });
    for (const [name, value] of Object.entries(variables)) {
      earlier[name] = process.env[name];
      process.env[name] = value;
    }
  });
  after(() => {
    s3.close();
    for (const [name, value] of Object.entries(earlier)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const storeIn = (blobStore: string) => createBlobStore({ blobStore, s3Endpoint: s3.endpoint, data: "unused" });

  it("keeps, finds and gives back a photo under its prefix", async () => {
    const blobs = storeIn("s3://pictures/shop/photos/");
    assert.equal(await blobs.has(hash), false);
    await assert.rejects(blobs.read(hash), { code: "BLOB_MISSING" });
    await blobs.write(hash, bytes);
    assert.deepEqual([...s3.objects.keys()], [key]);
    assert.equal(await blobs.has(hash), true);
    assert.deepEqual(await blobs.read(hash), bytes);
  });

  it("does not send what is there already", async () => {
    s3.requests.length = 0;
    await storeIn("s3://pictures/shop/photos").write(hash, bytes);
    assert.deepEqual(s3.requests, [`HEAD ${key}`, `GET ${key}`]);
  });

  it("notices an object that was changed, and the next write repairs it", async () => {
    const blobs = storeIn("s3://pictures/shop/photos");
    s3.objects.set(key, Buffer.alloc(bytes.length, 0x20));
    await assert.rejects(blobs.read(hash), { code: "BLOB_DAMAGED" });
    await blobs.write(hash, bytes);
    assert.deepEqual(await blobs.read(hash), bytes);
  });

  it("does not take a refusal for a missing photo", async () => {
    process.env.AWS_ACCESS_KEY_ID = "somebody-else";
    const blobs = storeIn("s3://pictures/shop/photos");
    await assert.rejects(blobs.has(hash), (error: Error & { code?: string }) => error.code !== "BLOB_MISSING");
    await assert.rejects(blobs.read(hash), (error: Error & { code?: string }) => error.code !== "BLOB_MISSING");
    process.env.AWS_ACCESS_KEY_ID = variables.AWS_ACCESS_KEY_ID;
  });
});
