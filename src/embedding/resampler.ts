import type { Preprocessing } from "../encoders/encoder.type.js";
import { type AxisPlacement, type PhotoSize, type Placement, placeShrunk } from "./photo-geometry.js";
import { RESAMPLE_KERNEL } from "./resample-kernel.wasm.js";
import { layTables, type ResampleTables, writeTables } from "./resample-tables.js";
import { type Tap, triangleTaps } from "./resample-taps.js";

const PAGE = 65_536;
/** The kernel reads and writes whole vectors, so a little past the end of a row. */
const SLACK = 64;
const REMEMBERED_AXES = 256;

type Kernel = (...parameters: number[]) => void;
const compiled = new WebAssembly.Module(Buffer.from(RESAMPLE_KERNEL, "base64"));

/** Turns decoded photos into slots of one input tensor, in memory that it owns. Not to be shared between threads. */
export interface Resampler {
  /**
   * Where a photo's 8-bit RGB must be put before `resample`. Good until the next call of `room`.
   * @param shown the photo's size before its decoder shrank it, when it did
   */
  room(decoded: PhotoSize, shown?: PhotoSize): Buffer;
  /** Writes the photo in `room` into slot `slot` of the tensor. */
  resample(slot: number): void;
  /** The first `count` slots: float32 in the manifest's layout. A view, overwritten by the next `resample`. */
  tensor(count: number): Float32Array;
}

/** Everything about photos of one size: catalogs tend to have photos of few sizes. */
interface Plan {
  readonly decoded: PhotoSize;
  readonly place: Placement;
  readonly rows: readonly Tap[];
  readonly columns: readonly Tap[];
  readonly tables: ResampleTables;
  readonly scratch: number;
  readonly pixels: number;
}

/**
 * @param slots photos that the tensor holds
 */
export function createResampler(preprocessing: Preprocessing, slots: number): Resampler {
  const { size, layout, mean, std } = preprocessing;
  const values = 3 * size * size;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernel = new WebAssembly.Instance(compiled, { env: { memory } }).exports.resample as Kernel;
  const scale = std.map((deviation) => 1 / (255 * deviation));
  const shift = mean.map((average, channel) => -average / std[channel]!);
  const [outRow, outPixel, outChannel] = layout === "NCHW" ? [size * 4, 4, size * size * 4] : [size * 12, 12, 4];
  const axes = new Map<string, Tap[]>();

  // The tensor comes first: it never moves, while tables and pixels follow the photo's size.
  const tensorAt = SLACK;
  const tablesAt = tensorAt + slots * values * 4 + SLACK;
  reserve(tablesAt);
  let current: Plan | undefined;
  let currentKey = "";

  function reserve(end: number): void {
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  }

  function tapsOf(lines: number, { start, length, outputs }: AxisPlacement): Tap[] {
    const key = `${lines} ${start} ${length} ${outputs}`;
    const known = axes.get(key);
    if (known !== undefined) return known;
    if (axes.size >= REMEMBERED_AXES) axes.clear();
    const taps = triangleTaps(lines, start, length, outputs);
    axes.set(key, taps);
    return taps;
  }

  function planFor(decoded: PhotoSize, shown: PhotoSize): Plan {
    const key = `${decoded.width} ${decoded.height} ${shown.width} ${shown.height}`;
    if (current !== undefined && currentKey === key) return current;
    const place = placeShrunk(shown, decoded, preprocessing);
    const rows = tapsOf(decoded.height, place.rows);
    const columns = tapsOf(decoded.width, place.columns);
    const tables = layTables(tablesAt, rows, columns);
    const scratch = align(tables.end);
    const pixels = align(scratch + decoded.width * 12 + SLACK * 4);
    reserve(pixels + decoded.width * 3 * (decoded.height + 1) + SLACK);
    writeTables(memory.buffer, tables, rows, columns);
    // Read past the end of a row with a weight of nought, which does not undo a NaN left by another photo's pixels.
    new Uint8Array(memory.buffer, scratch + decoded.width * 12, SLACK * 4).fill(0);
    currentKey = key;
    current = { decoded, place, rows, columns, tables, scratch, pixels };
    return current;
  }

  return {
    room(decoded, shown = decoded) {
      const { pixels } = planFor(decoded, shown);
      return Buffer.from(memory.buffer, pixels, decoded.width * decoded.height * 3);
    },

    resample(slot) {
      if (current === undefined) throw new Error("resample() before room()");
      const { decoded, place, rows, columns, tables, scratch, pixels } = current;
      const out = tensorAt + slot * values * 4;
      if (rows.length < size || columns.length < size) {
        // The mean colour, normalised, is zero.
        new Float32Array(memory.buffer, out, values).fill(0);
      }
      kernel(
        pixels,
        decoded.width * 3,
        tables.rowStart,
        tables.rowPairs,
        tables.rowWeights,
        tables.rowStride,
        tables.columnStart,
        tables.columnWeights,
        tables.columnStride,
        scratch,
        out + place.rows.to * outRow + place.columns.to * outPixel,
        rows.length,
        columns.length,
        outRow,
        outPixel,
        outChannel,
        ...scale,
        ...shift,
      );
    },

    tensor: (count) => new Float32Array(memory.buffer, tensorAt, count * values),
  };
}

function align(address: number): number {
  return (address + 15) & ~15;
}
