import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { FloatMatrix, MatrixProducts } from "./matrix-products.js";

/** Eigenvectors of a symmetric matrix with the largest eigenvalues, largest first. */
export interface LeadingAxes {
  readonly values: Float64Array;
  /** One eigenvector a row, `[values.length, side]`. */
  readonly vectors: FloatMatrix;
}

/** Up to here the whole decomposition is as fast: .8 s for 512 rows, 2.6 s for 768, minutes for 3136. */
const EXACT_SIDE = 512;
const MOST_ROUNDS = 30;
const ROUGH_ROUNDS = 3;
/** Largest move of a wanted eigenvalue in one round, relative to itself, that counts as standing still. */
const SETTLED = 5e-3;
/** Directions with less than this share of the largest eigenvalue are rounding of 32-bit products. */
const NOISE = 1e-6;
/** Part of a row that must be new for it to be more than rounding of those before it. */
const NEW = 1e-5;

/**
 * Randomised subspace iteration with Rayleigh-Ritz (Halko, Martinsson, Tropp 2011); exact for small matrices.
 * Deterministic by seed. Fewer axes than wanted come back where the matrix has a lower rank.
 */
export async function leadingAxes(
  matrix: FloatMatrix,
  wanted: number,
  seed: number,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<LeadingAxes> {
  const side = matrix.rows;
  if (side <= EXACT_SIDE) return exactAxes(matrix, wanted);
  // Some more than wanted: the last ones settle slowest.
  const width = Math.min(side, wanted + Math.max(32, wanted >> 2));
  let basis = orthonormalRows(randomMatrix(width, side, seed));
  let previous: Float64Array | undefined;
  for (let round = 1; ; round++) {
    signal?.throwIfAborted();
    const image = await products.multiply(basis, matrix);
    const inner = await products.multiply(basis, image, { b: true });
    const { values, vectors } = exactAxes(inner, width);
    const axes = Math.min(wanted, values.length);
    if (round === MOST_ROUNDS || settled(values, previous, axes)) {
      return { values: values.slice(0, axes), vectors: await products.multiply(topRows(vectors, axes), basis) };
    }
    previous = values;
    let moved = await products.multiply(vectors, image);
    // A product costs a tenth of the rest of a round; before, all rows would fall onto the strongest axes.
    if (round >= ROUGH_ROUNDS) moved = await products.multiply(moved, matrix);
    basis = orthonormalRows(moved);
  }
}

/** The whole decomposition in 64 bits, cut to the axes that are more than rounding. */
function exactAxes(matrix: FloatMatrix, wanted: number): LeadingAxes {
  const side = matrix.rows;
  const symmetric = new Matrix(side, side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column <= row; column++) {
      const value = (matrix.data[row * side + column]! + matrix.data[column * side + row]!) / 2;
      symmetric.set(row, column, value);
      symmetric.set(column, row, value);
    }
  }
  const decomposition = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const ascending = decomposition.realEigenvalues;
  const least = Math.max((ascending[side - 1] ?? 0) * NOISE, Number.MIN_VALUE);
  const axes = Math.min(wanted, ascending.filter((value) => value > least).length);
  const { eigenvectorMatrix } = decomposition;
  const data = new Float32Array(axes * side);
  for (let axis = 0; axis < axes; axis++) {
    for (let row = 0; row < side; row++) data[axis * side + row] = eigenvectorMatrix.get(row, side - 1 - axis);
  }
  const values = Float64Array.from({ length: axes }, (_, axis) => ascending[side - 1 - axis]!);
  return { values, vectors: { data, rows: axes, columns: side } };
}

/**
 * Gram-Schmidt (modified) in 64 bits; rows that depend on earlier ones are dropped. Products of rows in 32 bits, which
 * the runtime would do faster, lose weak axes in the first rounds, when all rows lean towards the strongest one.
 */
function orthonormalRows({ data, rows, columns }: FloatMatrix): FloatMatrix {
  const kept: Float64Array[] = [];
  for (let row = 0; row < rows; row++) {
    const vector = Float64Array.from(data.subarray(row * columns, (row + 1) * columns));
    const before = lengthOf(vector);
    for (const other of kept) {
      let dot = 0;
      for (let index = 0; index < columns; index++) dot += vector[index]! * other[index]!;
      for (let index = 0; index < columns; index++) vector[index]! -= dot * other[index]!;
    }
    const length = lengthOf(vector);
    if (!(length > before * NEW)) continue;
    for (let index = 0; index < columns; index++) vector[index]! /= length;
    kept.push(vector);
  }
  const basis = new Float32Array(kept.length * columns);
  for (const [row, vector] of kept.entries()) basis.set(vector, row * columns);
  return { data: basis, rows: kept.length, columns };
}

function lengthOf(vector: Float64Array): number {
  let square = 0;
  for (const value of vector) square += value * value;
  return Math.sqrt(square);
}

function topRows({ data, columns }: FloatMatrix, rows: number): FloatMatrix {
  return { data: data.subarray(0, rows * columns), rows, columns };
}

function randomMatrix(rows: number, columns: number, seed: number): FloatMatrix {
  const random = xoroshiro128plus(seed);
  const data = Float32Array.from({ length: rows * columns }, () => 2 * uniformFloat64(random) - 1);
  return { data, rows, columns };
}

function settled(values: Float64Array, previous: Float64Array | undefined, axes: number): boolean {
  if (previous === undefined || previous.length < axes) return false;
  for (let axis = 0; axis < axes; axis++) {
    if (Math.abs(values[axis]! - previous[axis]!) > SETTLED * values[axis]!) return false;
  }
  return true;
}
