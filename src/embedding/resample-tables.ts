import type { Tap } from "./resample-taps.js";

/** Weights of rows are 14-bit fixed point, so that a pair of products fits the kernel's 32 bits with room to spare. */
const ROW_UNIT = 1 << 14;

/** Byte addresses of what the kernel reads: the taps of each output row and column. */
export interface ResampleTables {
  readonly rowStart: number;
  readonly rowPairs: number;
  readonly rowWeights: number;
  readonly rowStride: number;
  readonly columnStart: number;
  readonly columnWeights: number;
  readonly columnStride: number;
  /** First address behind them. */
  readonly end: number;
}

/** Where the tables of these taps lie when they begin at `at`. */
export function layTables(at: number, rows: readonly Tap[], columns: readonly Tap[]): ResampleTables {
  const rowStride = Math.ceil(longest(rows) / 2) * 4;
  const columnStride = Math.ceil(longest(columns) / 4) * 16;
  const rowPairs = at + rows.length * 4;
  const rowWeights = rowPairs + rows.length * 4;
  const columnStart = rowWeights + rows.length * rowStride;
  const columnWeights = columnStart + columns.length * 4;
  const end = columnWeights + columns.length * columnStride;
  return { rowStart: at, rowPairs, rowWeights, rowStride, columnStart, columnWeights, columnStride, end };
}

export function writeTables(
  memory: ArrayBuffer,
  tables: ResampleTables,
  rows: readonly Tap[],
  columns: readonly Tap[],
): void {
  const integers = new Int32Array(memory);
  const shorts = new Int16Array(memory);
  const floats = new Float32Array(memory);
  rows.forEach(({ start, weights }, row) => {
    integers[tables.rowStart / 4 + row] = start;
    integers[tables.rowPairs / 4 + row] = Math.ceil(weights.length / 2);
    const at = (tables.rowWeights + row * tables.rowStride) / 2;
    shorts.set(fixedPoint(weights), at);
    if (weights.length % 2 === 1) shorts[at + weights.length] = 0;
  });
  columns.forEach(({ start, weights }, column) => {
    integers[tables.columnStart / 4 + column] = start;
    const at = (tables.columnWeights + column * tables.columnStride) / 4;
    floats.fill(0, at, at + tables.columnStride / 4);
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
