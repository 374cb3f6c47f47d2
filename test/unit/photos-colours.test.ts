import assert from "node:assert/strict";
import { describe, it } from "node:test";
import sharp, { type Sharp } from "sharp";
import { safeImageOptions, toOpaqueSrgb } from "../../src/catalog/photos/photo-input-options.js";
import { inspectPhoto } from "../../src/catalog/photos/photo-intake.js";

const config = { maxPixels: 1_000_000, fetchMaxBytes: 1_000_000 };
type Rgb = readonly [number, number, number];

/** What an encoder would be given: 8-bit RGB, three bands. */
async function decode(bytes: Buffer): Promise<{ pixel(x: number, y: number): Rgb; width: number; height: number }> {
  const { data, info } = await toOpaqueSrgb(sharp(bytes, safeImageOptions(config)))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  assert.equal(data.length, info.width * info.height * 3);
  const pixel = (x: number, y: number): Rgb => {
    const at = (y * info.width + x) * 3;
    return [data[at]!, data[at + 1]!, data[at + 2]!];
  };
  return { pixel, width: info.width, height: info.height };
}

function assertNear(actual: Rgb, expected: Rgb, tolerance: number): void {
  const furthest = Math.max(...actual.map((value, channel) => Math.abs(value - expected[channel]!)));
  assert.ok(furthest <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

/** One colour, 16 × 16. */
function plain(colour: Rgb, alpha?: number): Sharp {
  const pixel = alpha === undefined ? [...colour] : [...colour, alpha];
  const data = Buffer.alloc(256 * pixel.length);
  for (let at = 0; at < data.length; at += 1) data[at] = pixel[at % pixel.length]!;
  return sharp(data, { raw: { width: 16, height: 16, channels: pixel.length as 3 | 4 } });
}

const TEAL: Rgb = [30, 140, 130];

describe("photos become opaque 8-bit sRGB", () => {
  const cases: readonly (readonly [name: string, bytes: () => Promise<Buffer>, expected: Rgb, tolerance: number])[] = [
    ["JPEG", () => plain(TEAL).jpeg({ quality: 95 }).toBuffer(), TEAL, 3],
    ["progressive JPEG", () => plain(TEAL).jpeg({ quality: 95, progressive: true }).toBuffer(), TEAL, 3],
    ["PNG", () => plain(TEAL).png().toBuffer(), TEAL, 0],
    ["PNG with a palette", () => plain(TEAL).png({ palette: true }).toBuffer(), TEAL, 1],
    ["WebP", () => plain(TEAL).webp({ lossless: true }).toBuffer(), TEAL, 0],
    ["AVIF", () => plain(TEAL).avif({ quality: 90, effort: 0 }).toBuffer(), TEAL, 4],
    ["GIF", () => plain(TEAL).gif().toBuffer(), TEAL, 1],
    ["TIFF", () => plain(TEAL).tiff({ compression: "lzw" }).toBuffer(), TEAL, 0],
    // Through the CMYK profile and back: the press cannot print every colour, so the tolerance is wide.
    ["CMYK JPEG", () => plain(TEAL).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer(), TEAL, 30],
    ["16-bit PNG", () => plain(TEAL).toColourspace("rgb16").png().toBuffer(), TEAL, 1],
    ["grey JPEG", () => plain([90, 90, 90]).toColourspace("b-w").jpeg({ quality: 95 }).toBuffer(), [90, 90, 90], 2],
    ["grey PNG", () => plain([90, 90, 90]).toColourspace("b-w").png().toBuffer(), [90, 90, 90], 0],
    ["16-bit grey PNG", () => plain([90, 90, 90]).toColourspace("grey16").png().toBuffer(), [90, 90, 90], 1],
    ["grey PNG with alpha", () => plain([0, 0, 0], 128).toColourspace("b-w").png().toBuffer(), [127, 127, 127], 1],
    ["transparent PNG: white shows", () => plain([255, 0, 0], 0).png().toBuffer(), [255, 255, 255], 0],
    ["half transparent PNG", () => plain([255, 0, 0], 128).png().toBuffer(), [255, 127, 127], 1],
    ["transparent WebP", () => plain([255, 0, 0], 0).webp({ lossless: true }).toBuffer(), [255, 255, 255], 0],
  ];
  for (const [name, bytes, expected, tolerance] of cases) {
    it(name, async () => {
      const file = await bytes();
      const { width, height } = await inspectPhoto(file, config);
      assert.deepEqual([width, height], [16, 16]);
      const decoded = await decode(file);
      assertNear(decoded.pixel(0, 0), expected, tolerance);
      assertNear(decoded.pixel(8, 8), expected, tolerance);
    });
  }

  it("a Display P3 photo, by its own profile", async () => {
    const file = await plain(TEAL).withIccProfile("p3").jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
    assert.equal((await sharp(file).metadata()).hasProfile, true);
    // The numbers in the file are those of P3, and differ from sRGB's.
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    assert.ok(Math.abs(stored[0]! - TEAL[0]) > 15);
    assertNear((await decode(file)).pixel(8, 8), TEAL, 4);
  });

  it("an image whose profile is nonsense, as if it had none", async () => {
    const file = await plain(TEAL).withIccProfile("p3").png().toBuffer();
    const at = file.indexOf("iCCP", 0, "latin1");
    assert.ok(at > 0);
    const length = file.readUInt32BE(at - 4);
    file.fill(0, at + 4, at + 4 + length);
    const { pixel } = await decode(file);
    assert.ok(pixel(8, 8)[1] > 100);
  });

  it("the first frame of an animation", async () => {
    const frames = Buffer.concat([
      await plain([255, 0, 0]).raw().toBuffer(),
      await plain([0, 0, 255]).raw().toBuffer(),
    ]);
    const raw = { width: 16, height: 32, channels: 3 as const, pageHeight: 16 };
    for (const file of [
      await sharp(frames, { raw }).gif().toBuffer(),
      await sharp(frames, { raw }).webp({ lossless: true }).toBuffer(),
    ]) {
      assert.equal((await sharp(file, { pages: -1 }).metadata()).pages, 2);
      const { width, height } = await inspectPhoto(file, config);
      assert.deepEqual([width, height], [16, 16]);
      const decoded = await decode(file);
      assert.deepEqual([decoded.width, decoded.height], [16, 16]);
      assertNear(decoded.pixel(8, 8), [255, 0, 0], 1);
    }
  });
});

/** Where red, the stored picture's top left corner, is seen under each EXIF orientation. */
const CORNERS: readonly (readonly [orientation: number, x: 0 | 1, y: 0 | 1, turned: boolean])[] = [
  [1, 0, 0, false],
  [2, 1, 0, false],
  [3, 1, 1, false],
  [4, 0, 1, false],
  [5, 0, 0, true],
  [6, 1, 0, true],
  [7, 1, 1, true],
  [8, 0, 1, true],
];

describe("photos are turned as EXIF says", () => {
  for (const [orientation, x, y, turned] of CORNERS) {
    it(`orientation ${orientation}`, async () => {
      const red = await plain([255, 0, 0]).png().toBuffer();
      const file = await sharp({ create: { width: 64, height: 32, channels: 3, background: "#00f" } })
        .composite([{ input: red, left: 0, top: 0 }])
        .withMetadata({ orientation })
        .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
        .toBuffer();
      const seen = await inspectPhoto(file, config);
      const decoded = await decode(file);
      assert.deepEqual([seen.width, seen.height], turned ? [32, 64] : [64, 32]);
      assert.deepEqual([decoded.width, decoded.height], [seen.width, seen.height]);
      for (const [right, down] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const at = decoded.pixel(right === 0 ? 4 : decoded.width - 5, down === 0 ? 4 : decoded.height - 5);
        assertNear(at, right === x && down === y ? [255, 0, 0] : [0, 0, 255], 8);
      }
    });
  }
});
