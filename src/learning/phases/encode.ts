import type { UnitVectors } from "../../mining/index.js";
import { LearningCancelled } from "../learning.errors.js";
import type { BoundaryValues, ViewSource } from "../views/view-source.type.js";

export interface EncodeOptions {
  readonly source: ViewSource;
  /** Snapshot places. */
  readonly places: ArrayLike<number>;
  /** Photos at once. */
  readonly batch: number;
  readonly dims: number;
  /** One row a photo. */
  run(boundary: BoundaryValues): Promise<Float32Array>;
  readonly signal: AbortSignal;
  progress?(done: number, total: number): Promise<void>;
}

/** Rows of the plain views of photos, a batch at a time, so that memory stays flat and a signal is heard. */
export async function encodeAll(options: EncodeOptions): Promise<UnitVectors> {
  const { source, places, batch, dims, signal } = options;
  const data = new Float32Array(places.length * dims);
  const numbers = Int32Array.from(places);
  for (let first = 0; first < numbers.length; first += batch) {
    if (signal.aborted) throw new LearningCancelled();
    const part = numbers.subarray(first, first + batch);
    data.set(await options.run(await source.batch(part, new Int32Array(part.length))), first * dims);
    await options.progress?.(Math.min(first + batch, numbers.length), numbers.length);
  }
  return { data, count: numbers.length, dims };
}

/** The first `dims` numbers of every row, brought to unit length. */
export function leadingUnits(rows: UnitVectors, dims: number): UnitVectors {
  const data = new Float32Array(rows.count * dims);
  for (let row = 0; row < rows.count; row++) {
    const part = rows.data.subarray(row * rows.dims, row * rows.dims + dims);
    let square = 0;
    for (const value of part) square += value * value;
    const length = Math.sqrt(square) || 1;
    for (let at = 0; at < dims; at++) data[row * dims + at] = part[at]! / length;
  }
  return { data, count: rows.count, dims };
}

/** Rows at some positions, in that order. */
export function rowsAt({ data, dims }: UnitVectors, positions: ArrayLike<number>): UnitVectors {
  const chosen = new Float32Array(positions.length * dims);
  for (let row = 0; row < positions.length; row++) {
    const from = positions[row]! * dims;
    chosen.set(data.subarray(from, from + dims), row * dims);
  }
  return { data: chosen, count: positions.length, dims };
}

/** Mean and deviation of every column. */
export function columnStatistics({ data, count, dims }: UnitVectors): { mean: Float32Array; deviation: Float32Array } {
  const sum = new Float64Array(dims);
  const squares = new Float64Array(dims);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < dims; column++, at++) {
      const value = data[at]!;
      sum[column]! += value;
      squares[column]! += value * value;
    }
  }
  const mean = Float32Array.from(sum, (value) => value / count);
  const deviation = Float32Array.from(squares, (value, column) =>
    Math.sqrt(Math.max(0, value / count - (sum[column]! / count) ** 2)),
  );
  return { mean, deviation };
}

/** Mean cosine distances of all pairs of one label and of two, from sums alone: no pair is looked at. */
export function meanDistances({ data, dims }: UnitVectors, labels: Int32Array) {
  const sums = new Map<number, { count: number; sum: Float64Array }>();
  const all = new Float64Array(dims);
  let counted = 0;
  for (const [row, label] of labels.entries()) {
    if (label < 0) continue;
    const one = sums.get(label) ?? { count: 0, sum: new Float64Array(dims) };
    sums.set(label, one);
    one.count += 1;
    counted += 1;
    for (let at = 0; at < dims; at++) {
      one.sum[at]! += data[row * dims + at]!;
      all[at]! += data[row * dims + at]!;
    }
  }
  const square = (vector: Float64Array) => vector.reduce((total, value) => total + value * value, 0);
  let within = 0;
  let pairs = 0;
  for (const { count, sum } of sums.values()) {
    within += square(sum) - count;
    pairs += count * (count - 1);
  }
  const others = counted * (counted - 1) - pairs;
  return {
    ...(pairs > 0 && { meanPositiveDistance: 1 - within / pairs }),
    ...(others > 0 && { meanNegativeDistance: 1 - (square(all) - counted - within) / others }),
  };
}
