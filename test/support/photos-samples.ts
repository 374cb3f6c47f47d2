import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";

/** A small real photo-like JPEG: a gradient, so that it has more than one scan line of content. */
export async function jpegPhoto(side = 64): Promise<Buffer> {
  return gradient(side).jpeg({ quality: 90 }).toBuffer();
}

/** Red grows to the right, green downwards. */
export function gradient(side: number): Sharp {
  const pixels = Buffer.alloc(side * side * 3);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) pixels.set([(x * 255) / side, (y * 255) / side, 90], (y * side + x) * 3);
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
}

/** A PNG of a few hundred bytes that says it is 50,000 × 50,000 pixels. */
export function pngBomb(side = 50_000): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(100_000))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** A GIF of `frames` frames, 1 × 1 pixel each. */
export function gif(frames: number): Buffer {
  const head = Buffer.from("474946383961010001008000000000ffffff", "hex");
  const palette = head.subarray(0, 13);
  const colours = Buffer.from("000000ffffff", "hex");
  const frame = Buffer.from("21f904000a0000002c00000000010001000002024401003b", "hex").subarray(0, -1);
  return Buffer.concat([palette, colours, ...Array.from({ length: frames }, () => frame), Buffer.from([0x3b])]);
}

/** The first box of an iPhone photo, followed by nothing that could be decoded. */
export function heicHeader(): Buffer {
  return Buffer.from("0000001866747970686569630000000068656963 6d696631".replace(" ", ""), "hex");
}

/** A JPEG whose EXIF segment is as large as a segment may be. */
export async function jpegWithHugeExif(): Promise<Buffer> {
  const photo = await jpegPhoto();
  const exif = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), Buffer.alloc(65_000, 0xff)]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(exif.length + 2, 2);
  return Buffer.concat([photo.subarray(0, 2), marker, exif, photo.subarray(2)]);
}
