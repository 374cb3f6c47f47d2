import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { FloatMatrix, MatrixProducts } from "./matrix-products.js";

/** Eigenvectors of a symmetric matrix with the largest eigenvalues, largest first. */
export interface LeadingAxes {
  readonly values: Float64Array;
  /** One eigenvector a column, `[side, values.length]`. */
  readonly vectors: FloatMatrix;
}

/** Up to here the whole decomposition is as fast: .8 s for 512 rows, 2.6 s for 768, minutes for 3136. */
const EXACT_SIDE = 512;
const MOST_ROUNDS = 30;
/** Largest move of a wanted eigenvalue in one round, relative to itself, that counts as standing still. */
const SETTLED = 1e-4;
/** Directions with less than this share of the largest eigenvalue are rounding of 32-bit products. */
const NOISE = 1e-6;

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
  const width = Math.min(side, wanted + Math.max(32, wanted >> 2));
  let basis = await orthonormal(randomMatrix(side, width, seed), products);
  let previous: Float64Array | undefined;
  for (let round = 1; ; round++) {
    signal?.throwIfAborted();
    const image = await products.multiply(matrix, basis);
    const inner = await products.multiply(basis, image, { a: true });
    const { values, vectors } = exactAxes(inner, width);
    const axes = Math.min(wanted, values.length);
    if (round === MOST_ROUNDS || settled(values, previous, axes)) {
      return { values: values.slice(0, axes), vectors: await products.multiply(basis, leftColumns(vectors, axes)) };
    }
    previous = values;
    // Two applications a round: a product costs a third of the round's small decompositions.
    const turned = await products.multiply(image, scaledColumns(vectors, values));
    const again = await products.multiply(matrix, turned);
    basis = await orthonormal(scaledColumns(again, values), products);
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
  const largest = ascending[side - 1]!;
  const kept = ascending.filter((value) => value > Math.max(largest * NOISE, Number.MIN_VALUE)).length;
  const axes = Math.min(wanted, kept);
  const { eigenvectorMatrix } = decomposition;
  const data = new Float32Array(side * axes);
  for (let row = 0; row < side; row++) {
    for (let axis = 0; axis < axes; axis++) data[row * axes + axis] = eigenvectorMatrix.get(row, side - 1 - axis);
  }
  const values = Float64Array.from({ length: axes }, (_, axis) => ascending[side - 1 - axis]!);
  return { values, vectors: { data, rows: side, columns: axes } };
}

/** An orthonormal basis of what the columns span, by the eigenvectors of their products; dependent ones are dropped. */
async function orthonormal(columns: FloatMatrix, products: MatrixProducts): Promise<FloatMatrix> {
  const inner = await products.multiply(columns, columns, { a: true });
  const { values, vectors } = exactAxes(inner, inner.rows);
  const inverseRoots = values.map((value) => Math.sqrt(value));
  return products.multiply(columns, scaledColumns(vectors, inverseRoots));
}

/** Every column divided by its number. */
function scaledColumns({ data, rows, columns }: FloatMatrix, divisors: Float64Array): FloatMatrix {
  const scaled = new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) scaled[index] = data[index]! / divisors[index % columns]!;
  return { data: scaled, rows, columns };
}

function leftColumns({ data, rows, columns }: FloatMatrix, kept: number): FloatMatrix {
  if (kept === columns) return { data, rows, columns };
  const left = new Float32Array(rows * kept);
  for (let row = 0; row < rows; row++) left.set(data.subarray(row * columns, row * columns + kept), row * kept);
  return { data: left, rows, columns: kept };
}

function randomMatrix(rows: number, columns: number, seed: number): FloatMatrix {
  const random = xoroshiro128plus(seed);
  const data = Float32Array.from({ length: rows * columns }, () => 2 * uniformFloat64(random) - 1);
  return { data, rows, columns };
}

function settled(values: Float64Array, previous: Float64Array | undefined, axes: number): boolean {
  if (previous === undefined) return false;
  for (let axis = 0; axis < axes; axis++) {
    if (Math.abs(values[axis]! - previous[axis]!) > SETTLED * values[axis]!) return false;
  }
  return true;
}
