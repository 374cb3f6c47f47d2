import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { plainJpegSize } from "../../src/embedding/plain-jpeg.js";
import { gradient } from "../support/photos-samples.js";

const segment = (marker: number, body: Buffer): Buffer => {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
};
/** Puts segments right behind the start of the file. */
const withSegments = (jpeg: Buffer, ...segments: Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
/** An Exif block (Exif 2.3, 4.6) whose first directory holds nothing but the orientation. */
const turned = (orientation: number, order: "II" | "MM"): Buffer => {
  const tiff = Buffer.alloc(26);
  const short = (value: number, at: number) =>
    order === "II" ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const long = (value: number, at: number) =>
    order === "II" ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  tiff.write(order, "latin1");
  short(42, 2);
  long(8, 4);
  short(1, 8);
  short(0x0112, 10);
  short(3, 12);
  long(1, 14);
  short(orientation, 18);
  return segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]));
};
const profile = segment(0xe2, Buffer.from("ICC_PROFILE\0\x01\x01profile", "latin1"));
const adobe = (transform: number) =>
  segment(0xee, Buffer.concat([Buffer.from("Adobe", "latin1"), Buffer.from([0, 100, 0, 0, 0, 0, transform])]));

describe("a plain JPEG", () => {
  test("has its size told, grey or in colour, sequential or progressive", async () => {
    const image = gradient(40).resize(40, 24, { fit: "fill" });
    const size = { width: 40, height: 24 };
    assert.deepEqual(plainJpegSize(await image.clone().jpeg().toBuffer()), size);
    assert.deepEqual(plainJpegSize(await image.clone().jpeg({ progressive: true }).toBuffer()), size);
    assert.deepEqual(plainJpegSize(await image.clone().greyscale().jpeg().toBuffer()), size);
    const jpeg = await image.clone().jpeg().toBuffer();
    assert.deepEqual(plainJpegSize(withSegments(jpeg, turned(1, "II"))), size);
    assert.deepEqual(plainJpegSize(withSegments(jpeg, turned(1, "MM"))), size);
  });

  test("is not one that must be turned, has a colour profile, CMYK, or RGB components", async () => {
    const jpeg = await gradient(16).jpeg().toBuffer();
    for (const orientation of [2, 3, 6, 8]) {
      assert.equal(plainJpegSize(withSegments(jpeg, turned(orientation, "II"))), undefined);
      assert.equal(plainJpegSize(withSegments(jpeg, turned(orientation, "MM"))), undefined);
    }
    assert.equal(plainJpegSize(withSegments(jpeg, profile)), undefined);
    assert.equal(plainJpegSize(await gradient(16).toColourspace("cmyk").jpeg().toBuffer()), undefined);
    assert.equal(plainJpegSize(withSegments(jpeg, adobe(0))), undefined);
    assert.deepEqual(plainJpegSize(withSegments(jpeg, adobe(1))), { width: 16, height: 16 });
  });

  test("is not one with more scans than a picture needs", async () => {
    const jpeg = await gradient(16).jpeg().toBuffer();
    const scans = Buffer.concat(Array.from({ length: 40 }, () => Buffer.from([0xff, 0xda, 0, 2])));
    assert.equal(plainJpegSize(Buffer.concat([jpeg.subarray(0, -2), scans, jpeg.subarray(-2)])), undefined);
  });

  test("is not anything that ends too early, at whatever byte", async () => {
    const jpeg = withSegments(await gradient(16).jpeg().toBuffer(), turned(1, "II"));
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    for (let length = 0; length <= scan; length++) assert.equal(plainJpegSize(jpeg.subarray(0, length)), undefined);
  });

  test("is not a damaged Exif block, another format, or noise", async () => {
    const jpeg = await gradient(16).jpeg().toBuffer();
    const exif = (body: string) => segment(0xe1, Buffer.from(`Exif\0\0${body}`, "latin1"));
    assert.equal(plainJpegSize(withSegments(jpeg, exif("II*\0"))), undefined);
    assert.equal(plainJpegSize(withSegments(jpeg, exif("II*\0\xff\xff\xff\xff"))), undefined);
    assert.equal(plainJpegSize(withSegments(jpeg, exif("MM\0*\0\0\0\x08\xff\xff"))), undefined);
    assert.equal(plainJpegSize(await gradient(16).png().toBuffer()), undefined);
    assert.equal(plainJpegSize(Buffer.from([0xff, 0xd8, 1, 2, 3, 4, 5, 6])), undefined);
  });
});
