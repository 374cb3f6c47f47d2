import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import sharp from "sharp";
import { createBlobStore } from "../../src/catalog/photos/blob-store.js";
import type { BlobStore } from "../../src/catalog/photos/blob-store.type.js";
import { safeImageOptions } from "../../src/catalog/photos/photo-input-options.js";
import { createPhotoIntake, inspectPhoto } from "../../src/catalog/photos/photo-intake.js";
import { createPictureReader } from "../../src/catalog/photos/photo-picture.js";
import { gif, gradient, jpegPhoto, pngBomb } from "../support/photos-samples.js";

const config = { maxPixels: 1_000_000, fetchMaxBytes: 1_000_000 };

describe("photo intake", () => {
  let folder: string;
  let blobs: BlobStore;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-photos-"));
    blobs = createBlobStore({ data: folder, blobStore: "file" });
  });
  after(() => rm(folder, { recursive: true }));

  it("keeps a photo under its hash, and says what it is", async () => {
    const photo = await jpegPhoto(80);
    const taken = await createPhotoIntake({ blobs, config }).take(photo);
    const contentHash = createHash("sha256").update(photo).digest("hex");
    assert.deepEqual(taken, { contentHash, mime: "image/jpeg", width: 80, height: 80, bytes: photo.length });
    const file = path.join(folder, "photos", contentHash.slice(0, 2), contentHash.slice(2, 4), contentHash);
    assert.deepEqual(await readFile(file), photo);
    assert.deepEqual(await blobs.read(contentHash), photo);
  });

  it("keeps nothing of what it refuses", async () => {
    const before = await readdir(path.join(folder, "photos"), { recursive: true });
    const bad = (await jpegPhoto()).subarray(0, 400);
    await assert.rejects(createPhotoIntake({ blobs, config }).take(bad), { code: "PHOTO_TRUNCATED", retryable: false });
    assert.deepEqual(await readdir(path.join(folder, "photos"), { recursive: true }), before);
  });

  // Whatever sharp says of a file that lacks its end while decoding it, the intake must say without decoding.
  for (const format of ["jpeg", "png", "webp", "avif", "gif", "tiff"] as const) {
    it(`finds a ${format} that was cut anywhere, and no other`, async () => {
      const whole = await gradient(96).toFormat(format).toBuffer();
      await inspectPhoto(whole, config);
      for (const share of [0.2, 0.5, 0.9, 0.98]) {
        const cut = whole.subarray(0, Math.floor(whole.length * share));
        await assert.rejects(inspectPhoto(cut, config), { name: "PhotoUnreadable" }, `${share} of a ${format}`);
      }
    });
  }

  it("knows a TIFF whose directory stands at its end", async () => {
    const file = await gradient(96).tiff({ compression: "none" }).toBuffer();
    assert.ok(file.readUInt32LE(4) > 20_000);
    assert.equal((await inspectPhoto(file, config)).mime, "image/tiff");
  });

  it("is not fooled by the end marker of an EXIF thumbnail", async () => {
    const photo = await jpegPhoto(96);
    const thumbnail = await jpegPhoto(8);
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), thumbnail]);
    segment.writeUInt16BE(thumbnail.length + 2, 2);
    const cut = Buffer.concat([photo.subarray(0, 2), segment, photo.subarray(2, photo.length - 300)]);
    assert.ok(cut.includes(Buffer.from([0xff, 0xd9])));
    await assert.rejects(inspectPhoto(cut, config), { code: "PHOTO_TRUNCATED" });
  });

  it("takes JPEGs with padding before their markers, restart markers and a progressive scan", async () => {
    const photo = await jpegPhoto();
    const padded = Buffer.concat([photo.subarray(0, 2), Buffer.from([0xff, 0xff, 0xff]), photo.subarray(2)]);
    await inspectPhoto(padded, config);
    await inspectPhoto(await gradient(64).jpeg({ progressive: true }).toBuffer(), config);
  });

  it("refuses what is too large, and says by how much", async () => {
    await assert.rejects(inspectPhoto(pngBomb(), config), { code: "PHOTO_TOO_LARGE", message: /1000000 pixels/ });
    await assert.rejects(inspectPhoto(Buffer.alloc(1_000_001, 0xff), config), { code: "PHOTO_TOO_LARGE" });
    const wide = await sharp({ create: { width: 2000, height: 501, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    await assert.rejects(inspectPhoto(wide, config), { code: "PHOTO_TOO_LARGE" });
    await assert.rejects(sharp(wide, safeImageOptions(config)).raw().toBuffer(), /pixel limit/);
  });

  it("lives through files of random bytes behind every known beginning", async () => {
    const random = createHash("shake256", { outputLength: 3000 }).update("photos").digest();
    for (const start of [
      await jpegPhoto(),
      await gradient(32).png().toBuffer(),
      gif(3),
      await gradient(32).webp().toBuffer(),
      await gradient(32).avif({ effort: 0 }).toBuffer(),
      await gradient(32).tiff().toBuffer(),
    ]) {
      for (const kept of [4, 16, 40, 120]) {
        const file = Buffer.concat([start.subarray(0, kept), random]);
        // A header that survived may be accepted; nothing else than a PhotoUnreadable may be thrown.
        await inspectPhoto(file, config).catch((error: Error) =>
          assert.equal(error.name, "PhotoUnreadable", error.stack),
        );
      }
    }
  });
});

describe("pictures that callers send", () => {
  const asked: string[] = [];
  const reader = createPictureReader({
    config,
    fetcher: {
      fetchBytes: async (url) => {
        asked.push(url);
        return { kind: "fetched", bytes: await jpegPhoto() };
      },
    },
  });
  const dataUri = (bytes: Buffer, mime = "image/jpeg") => `data:${mime};base64,${bytes.toString("base64")}`;

  it("reads a data URI, whatever type it claims", async () => {
    const photo = await jpegPhoto();
    assert.deepEqual(await reader.readPictureInput({ dataUri: dataUri(photo) }), photo);
    assert.deepEqual(await reader.readPictureInput({ dataUri: dataUri(photo, "text/html;charset=x") }), photo);
    const unpadded = dataUri(photo).replace(/=+$/, "");
    assert.deepEqual(await reader.readPictureInput({ dataUri: unpadded }), photo);
  });

  it("fetches an address", async () => {
    assert.deepEqual(await reader.readPictureInput({ url: "http://shop.example/a.jpg" }), await jpegPhoto());
    assert.deepEqual(asked, ["http://shop.example/a.jpg"]);
  });

  it("wants exactly one of the two", async () => {
    await assert.rejects(reader.readPictureInput({}), { code: "BAD_USER_INPUT" });
    await assert.rejects(reader.readPictureInput({ url: "x", dataUri: "y" }), { code: "BAD_USER_INPUT" });
  });

  for (const [name, value, code] of [
    ["no data URI", "hello", "PHOTO_ENCODING_INVALID"],
    ["no base64 marker", "data:image/jpeg,abc", "PHOTO_ENCODING_INVALID"],
    ["broken base64", "data:image/jpeg;base64,@@@@", "PHOTO_ENCODING_INVALID"],
    ["base64 with one character too many", "data:image/jpeg;base64,AAAAA", "PHOTO_ENCODING_INVALID"],
    ["nothing", "data:image/jpeg;base64,", "PHOTO_EMPTY"],
    ["an SVG", dataUri(Buffer.from("<svg onload=alert(1)>"), "image/svg+xml"), "PHOTO_FORMAT_UNSUPPORTED"],
    ["text", dataUri(Buffer.from("hello world, this is text")), "PHOTO_NOT_AN_IMAGE"],
    ["too many bytes", dataUri(Buffer.alloc(1_100_000)), "PHOTO_TOO_LARGE"],
  ] as const) {
    it(`refuses ${name}: ${code}`, async () => {
      await assert.rejects(reader.readPictureInput({ dataUri: value }), (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.doesNotMatch(error.message, /@@|AAAAA|alert/);
        return true;
      });
    });
  }
});

describe("blob files", () => {
  let folder: string;
  let blobs: BlobStore;
  const bytes = Buffer.from("some photo");
  const hash = createHash("sha256").update(bytes).digest("hex");
  const file = () => path.join(folder, "photos", hash.slice(0, 2), hash.slice(2, 4), hash);
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lookalike-blobs-"));
    blobs = createBlobStore({ data: folder, blobStore: "file" });
  });
  after(() => rm(folder, { recursive: true }));

  it("says what it does not have", async () => {
    assert.equal(await blobs.has(hash), false);
    await assert.rejects(blobs.read(hash), { code: "BLOB_MISSING" });
  });

  it("is written by many at once and leaves no other file behind", async () => {
    await Promise.all(Array.from({ length: 20 }, () => blobs.write(hash, bytes)));
    assert.deepEqual(await blobs.read(hash), bytes);
    assert.deepEqual(await readdir(path.dirname(file())), [hash]);
  });

  it("notices a file that a crash cut short or somebody changed, and the next write repairs it", async () => {
    for (const damaged of [bytes.subarray(0, 4), Buffer.alloc(bytes.length)]) {
      await writeFile(file(), damaged);
      await assert.rejects(blobs.read(hash), { code: "BLOB_DAMAGED" });
      await blobs.write(hash, bytes);
      assert.deepEqual(await blobs.read(hash), bytes);
    }
  });

  it("takes no name that is not a hash", async () => {
    for (const name of ["../../etc/passwd", hash.toUpperCase(), hash.slice(1), ""]) {
      await assert.rejects(blobs.read(name), { code: "BAD_USER_INPUT" });
    }
  });
});
