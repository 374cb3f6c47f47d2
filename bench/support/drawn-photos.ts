import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import sharp from "sharp";

const WIDTH = 400;
const HEIGHT = 533;
/** Cells across of each layer of noise, and how strong it is: large folds, pattern, weave. */
const LAYERS = [
  [3, 70],
  [12, 28],
  [48, 12],
  [200, 7],
] as const;

/**
 * Photos that cost a decoder what shop photos do: 400 × 533, noise of every scale over a coloured ground, about 25 kB at
 * quality 80. The same seed gives the same bytes with the same libvips.
 */
export async function drawPhotos(count: number, seed = 1): Promise<Buffer[]> {
  const photos: Buffer[] = [];
  for (let index = 0; index < count; index++) photos.push(await drawPhoto(seed * 1_000_003 + index));
  return photos;
}

async function drawPhoto(seed: number): Promise<Buffer> {
  const random = xoroshiro128plus(seed);
  const next = () => (random.next() & 0xffff) / 0x10000;
  const ground = [next(), next(), next()].map((part) => 60 + part * 140);
  const pixels = new Float32Array(WIDTH * HEIGHT * 3);
  for (let at = 0; at < pixels.length; at++) pixels[at] = ground[at % 3]!;
  for (const [cells, strength] of LAYERS) {
    const rows = Math.ceil((cells * HEIGHT) / WIDTH);
    const cellsOfNoise = Buffer.from(Uint8Array.from({ length: cells * rows * 3 }, () => next() * 256));
    const noise = await sharp(cellsOfNoise, { raw: { width: cells, height: rows, channels: 3 } })
      .resize(WIDTH, HEIGHT, { fit: "fill", kernel: "cubic" })
      .raw()
      .toBuffer();
    for (let at = 0; at < pixels.length; at++) pixels[at] = pixels[at]! + ((noise[at]! - 128) / 128) * strength;
  }
  return sharp(Buffer.from(Uint8ClampedArray.from(pixels)), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
}
