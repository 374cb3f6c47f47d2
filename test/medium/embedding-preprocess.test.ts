import assert from "node:assert/strict";
import { describe, test } from "node:test";
import sharp, { type Sharp } from "sharp";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { hasFastJpeg } from "../../src/embedding/fast-jpeg.js";
import { createPreprocessor } from "../../src/embedding/preprocess.js";
import type { Preprocessing } from "../../src/encoders/encoder.type.js";
import { gradient, pngBomb } from "../support/photos-samples.js";

const asPixels: Preprocessing = {
  size: 8,
  resize: "squash",
  layout: "NHWC",
  mean: [0, 0, 0],
  std: [1 / 255, 1 / 255, 1 / 255],
};
const options = { slots: 1, maxPixels: 1_000_000 };

/** The input with values 0 … 255, `[row][column] → [r, g, b]`. */
async function inputOf(photo: Buffer, preprocessing: Partial<Preprocessing> = {}) {
  const preprocessor = createPreprocessor({ ...asPixels, ...preprocessing }, options);
  await preprocessor.write(photo, 0);
  return Float32Array.from(preprocessor.tensor(1));
}

function assertColour(input: Float32Array, colour: readonly number[], tolerance: number): void {
  input.forEach((value, at) => {
    const expected = colour[at % 3]!;
    assert.ok(
      Math.abs(value - expected) <= tolerance,
      `${input.slice(at - (at % 3), at - (at % 3) + 3)} is not ${colour}`,
    );
  });
}

function worstDifference(left: Float32Array, right: Float32Array): number {
  return left.reduce((most, value, at) => Math.max(most, Math.abs(value - right[at]!)), 0);
}

const plain = (colour: { r: number; g: number; b: number; alpha?: number }): Sharp =>
  sharp({ create: { width: 20, height: 14, channels: colour.alpha === undefined ? 3 : 4, background: colour } });
const TEAL = { r: 30, g: 140, b: 130 };
const teal = [30, 140, 130];

describe("preprocessing a photo", () => {
  test("gives the same colour out of every format and depth", async () => {
    assertColour(await inputOf(await plain(TEAL).png().toBuffer()), teal, 0.01);
    assertColour(await inputOf(await plain(TEAL).webp({ lossless: true }).toBuffer()), teal, 0.01);
    assertColour(await inputOf(await plain(TEAL).toColourspace("rgb16").png().toBuffer()), teal, 0.6);
    assertColour(await inputOf(await plain(TEAL).jpeg({ quality: 100 }).toBuffer()), teal, 2.5);
    assertColour(await inputOf(await plain(TEAL).jpeg({ quality: 100, progressive: true }).toBuffer()), teal, 2.5);
  });

  test("spreads grey, and lays transparency on white", async () => {
    const grey = await plain({ r: 90, g: 90, b: 90 }).greyscale().png().toBuffer();
    assertColour(await inputOf(grey), [90, 90, 90], 1);
    const greyJpeg = await plain({ r: 90, g: 90, b: 90 }).greyscale().jpeg({ quality: 100 }).toBuffer();
    assertColour(await inputOf(greyJpeg), [90, 90, 90], 2.5);
    assertColour(
      await inputOf(
        await plain({ ...TEAL, alpha: 0 })
          .png()
          .toBuffer(),
      ),
      [255, 255, 255],
      0.01,
    );
    assertColour(
      await inputOf(
        await plain({ ...TEAL, alpha: 0.5 })
          .png()
          .toBuffer(),
      ),
      [142.5, 197.5, 192.5],
      1.5,
    );
  });

  test("converts CMYK and wide-gamut profiles to sRGB", async () => {
    const cmyk = await plain({ r: 200, g: 60, b: 60 }).toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    assertColour(await inputOf(cmyk), [200, 60, 60], 25);
    const p3 = await plain(TEAL).withIccProfile("p3").png().toBuffer();
    assertColour(await inputOf(p3), teal, 3);
    const p3Jpeg = await plain(TEAL).withIccProfile("p3").jpeg({ quality: 100 }).toBuffer();
    assertColour(await inputOf(p3Jpeg), teal, 5);
  });

  test("turns a photo as its Exif says", async () => {
    const upright = await gradient(32).resize(32, 20, { fit: "fill" }).png().toBuffer();
    const expected = await inputOf(await sharp(upright).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer());
    const lying = sharp(upright).rotate(270);
    const turned = await lying
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
      .toBuffer();
    assert.ok(worstDifference(await inputOf(turned), expected) < 4);
    const ignored = await sharp(upright).rotate(270).jpeg({ quality: 100 }).toBuffer();
    assert.ok(worstDifference(await inputOf(ignored), expected) > 50);
  });

  test("decodes a plain JPEG as the general decoder does, up to its rounding", { skip: !hasFastJpeg }, async () => {
    const photo = await gradient(64).resize(200, 266, { fit: "fill" }).jpeg().toBuffer();
    const general = await sharp(photo).png().toBuffer();
    const size = { size: 64 };
    assert.ok(worstDifference(await inputOf(photo, size), await inputOf(general, size)) < 3);
  });

  test("shrinks a large photo while decoding, to nearly the same input", async () => {
    const photo = await gradient(256).resize(900, 600, { fit: "fill" }).jpeg({ quality: 95 }).toBuffer();
    const small = await gradient(256).resize(30, 20, { fit: "fill" }).png().toBuffer();
    const worst = worstDifference(await inputOf(photo), await inputOf(small));
    assert.ok(worst < 6, `${worst}`);
    const crop = { resize: "crop" } as const;
    assert.ok(worstDifference(await inputOf(photo, crop), await inputOf(small, crop)) < 6);
  });

  test("gives the same bits each time", async () => {
    const photo = await gradient(256).jpeg().toBuffer();
    assert.deepEqual(await inputOf(photo), await inputOf(photo));
  });

  test("says why a photo cannot be read", async () => {
    const photo = await gradient(64).jpeg().toBuffer();
    const preprocessor = createPreprocessor(asPixels, options);
    const cases: [string, Buffer, string][] = [
      ["cut", photo.subarray(0, photo.length - 300), "PHOTO_TRUNCATED"],
      ["no picture", Buffer.from("<html>not found</html>"), "PHOTO_DAMAGED"],
      ["nothing", Buffer.alloc(0), "PHOTO_DAMAGED"],
      ["too many pixels", pngBomb(), "PHOTO_TOO_LARGE"],
      ["too many pixels, plain JPEG", await gradient(1001).jpeg().toBuffer(), "PHOTO_TOO_LARGE"],
    ];
    for (const [name, bytes, code] of cases) {
      await assert.rejects(preprocessor.write(bytes, 0), (error: unknown) => {
        assert.ok(error instanceof PhotoUnreadable, name);
        assert.equal(error.code, code, name);
        return true;
      });
    }
    // And the next photo is as good as ever.
    await preprocessor.write(photo, 0);
  });
});
