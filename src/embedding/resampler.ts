import type { Preprocessing } from "../encoders/encoder.type.js";
import { type AxisPlacement, placePhoto } from "./photo-geometry.js";
import { RESAMPLE_KERNEL } from "./resample-kernel.wasm.js";
import { type Tap, triangleTaps } from "./resample-taps.js";

const PAGE = 65_536;
/** Weights of rows are 14-bit fixed point, so that a pair of products fits the kernel's 32 bits with room to spare. */
const ROW_UNIT = 1 << 14;
/** The kernel reads and writes whole vectors, so a little past the end of a row. */
const SLACK = 64;
const REMEMBERED_AXES = 256;

type Kernel = (...parameters: number[]) => void;
const compiled = new WebAssembly.Module(Buffer.from(RESAMPLE_KERNEL, "base64"));

/** Turns decoded photos into slots of one input tensor, in memory that it owns. Not to be shared between threads. */
export interface Resampler {
  /** Where a photo's 8-bit RGB must be put before `resample`. Good until the next call of `room`. */
  room(width: number, height: number): Buffer;
  /** Writes the photo in `room` into slot `slot` of the tensor. */
  resample(width: number, height: number, slot: number): void;
  /** The first `count` slots: float32 in the manifest's layout. A view, overwritten by the next `resample`. */
  tensor(count: number): Float32Array;
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
  const axes = new Map<string, Tap[]>();

  // The tensor comes first: it never moves, while tables and pixels follow the photo's size.
  const tensorAt = SLACK;
  const tablesAt = tensorAt + slots * values * 4 + SLACK;
  reserve(tablesAt);
  let pixelsAt = tablesAt;

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

  function layTables(width: number, height: number) {
    const place = placePhoto(width, height, preprocessing);
    const rows = tapsOf(height, place.rows);
    const columns = tapsOf(width, place.columns);
    const rowStride = Math.ceil(longest(rows) / 2) * 4;
    const columnStride = longest(columns) * 4;
    const rowStart = tablesAt;
    const rowPairs = rowStart + rows.length * 4;
    const rowWeights = rowPairs + rows.length * 4;
    const columnStart = rowWeights + rows.length * rowStride;
    const columnCount = columnStart + columns.length * 4;
    const columnWeights = columnCount + columns.length * 4;
    const scratch = align(columnWeights + columns.length * columnStride);
    const pixels = align(scratch + width * 12 + SLACK * 4);
    return {
      place,
      rows,
      columns,
      rowStride,
      columnStride,
      rowStart,
      rowPairs,
      rowWeights,
      columnStart,
      columnCount,
      columnWeights,
      scratch,
      pixels,
    };
  }

  let laid: ReturnType<typeof layTables> | undefined;
  let laidFor = "";

  function tables(width: number, height: number): ReturnType<typeof layTables> {
    const key = `${width} ${height}`;
    if (laid !== undefined && laidFor === key) return laid;
    laid = layTables(width, height);
    laidFor = key;
    reserve(laid.pixels + width * 3 * (height + 1) + SLACK);
    writeTables(memory.buffer, laid);
    return laid;
  }

  return {
    room(width, height) {
      const { pixels } = tables(width, height);
      pixelsAt = pixels;
      return Buffer.from(memory.buffer, pixels, width * height * 3);
    },

    resample(width, height, slot) {
      const table = tables(width, height);
      const { place } = table;
      const out = tensorAt + slot * values * 4;
      const nchw = layout === "NCHW";
      const outRow = size * (nchw ? 4 : 12);
      const outPixel = nchw ? 4 : 12;
      if (table.rows.length < size || table.columns.length < size) {
        // The mean colour, normalised, is zero.
        new Float32Array(memory.buffer, out, values).fill(0);
      }
      kernel(
        pixelsAt,
        width * 3,
        table.rowStart,
        table.rowPairs,
        table.rowWeights,
        table.rowStride,
        table.columnStart,
        table.columnCount,
        table.columnWeights,
        table.columnStride,
        table.scratch,
        out + place.rows.to * outRow + place.columns.to * outPixel,
        table.rows.length,
        table.columns.length,
        outRow,
        outPixel,
        nchw ? size * size * 4 : 4,
        ...scale,
        ...shift,
      );
    },

    tensor: (count) => new Float32Array(memory.buffer, tensorAt, count * values),
  };
}

interface Tables {
  readonly rows: readonly Tap[];
  readonly columns: readonly Tap[];
  readonly rowStride: number;
  readonly columnStride: number;
  readonly rowStart: number;
  readonly rowPairs: number;
  readonly rowWeights: number;
  readonly columnStart: number;
  readonly columnCount: number;
  readonly columnWeights: number;
}

function writeTables(buffer: ArrayBuffer, tables: Tables): void {
  const integers = new Int32Array(buffer);
  const shorts = new Int16Array(buffer);
  const floats = new Float32Array(buffer);
  tables.rows.forEach(({ start, weights }, row) => {
    integers[tables.rowStart / 4 + row] = start;
    integers[tables.rowPairs / 4 + row] = Math.ceil(weights.length / 2);
    const at = (tables.rowWeights + row * tables.rowStride) / 2;
    shorts.set(fixedPoint(weights), at);
    if (weights.length % 2 === 1) shorts[at + weights.length] = 0;
  });
  tables.columns.forEach(({ start, weights }, column) => {
    integers[tables.columnStart / 4 + column] = start;
    integers[tables.columnCount / 4 + column] = weights.length;
    const at = (tables.columnWeights + column * tables.columnStride) / 4;
    weights.forEach((weight, tap) => {
      floats[at + tap] = weight / ROW_UNIT;
    });
  });
}

/** Rounded weights whose sum is exact, so that a plain area keeps its brightness: the largest takes the remainder. */
function fixedPoint(weights: readonly number[]): number[] {
  const rounded = weights.map((weight) => Math.round(weight * ROW_UNIT));
  const remainder = ROW_UNIT - rounded.reduce((total, weight) => total + weight, 0);
  const largest = rounded.indexOf(Math.max(...rounded));
  rounded[largest] = rounded[largest]! + remainder;
  return rounded;
}

function longest(taps: readonly Tap[]): number {
  return taps.reduce((most, { weights }) => Math.max(most, weights.length), 0);
}

function align(address: number): number {
  return (address + 15) & ~15;
}
