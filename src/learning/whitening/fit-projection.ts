import { type LeadingAxes, leadingAxes } from "./leading-axes.js";
import { createMatrixProducts, type FloatMatrix, type MatrixProducts } from "./matrix-products.js";
import type { FitOptions, Projection } from "./projection.type.js";
import { VectorsUnusable } from "./whitening.errors.js";

/** Rows that are centred and multiplied at once: 50 MB at 3136 columns. */
const ROWS_AT_ONCE = 4096;

/**
 * Half-whitening: principal axes, each divided by the fourth root of its variance, so that the deviation along an axis
 * is the square root of what it was. Whole whitening (the square root) lifts noise as high as what matters; none
 * leaves the few strongest axes to decide alone (docs/decisions/150).
 * @param features `[count, width]`, one row a photo
 * @param dims axes to keep; as many as the photos span where those are fewer
 * @throws VectorsUnusable
 */
export function fitHalfWhitening(
  features: Float32Array,
  count: number,
  width: number,
  dims: number,
  options: FitOptions = {},
): Promise<Projection> {
  return fit({ data: features, rows: count, columns: width }, dims, "centred", options.exponent ?? 1 / 4, options);
}

/**
 * The projection that keeps most of the dot products of unit vectors: axes through the origin, unscaled.
 * @throws VectorsUnusable
 */
export function fitReduction(
  vectors: Float32Array,
  count: number,
  width: number,
  dims: number,
  options: FitOptions = {},
): Promise<Projection> {
  return fit({ data: vectors, rows: count, columns: width }, dims, "through the origin", 0, options);
}

/** Variance, as a share of the vectors' mean square, that is rounding and no difference between photos. */
const SAME = 1e-12;
const MORE_PHOTOS = "Import photos of more products first.";

async function fit(
  vectors: FloatMatrix,
  dims: number,
  origin: "centred" | "through the origin",
  exponent: number,
  { seed = 1, threads, signal }: FitOptions,
): Promise<Projection> {
  check(vectors, dims);
  const { rows, columns: width } = vectors;
  const mean = origin === "centred" ? meanOf(vectors) : new Float32Array(width);
  const products = createMatrixProducts(threads);
  try {
    // Few photos: their products with each other have the same eigenvalues and are the smaller matrix.
    const axes =
      rows < width
        ? await axesOfFew(vectors, mean, dims, seed, products, signal)
        : await leadingAxes(await covariance(vectors, mean, products, signal), dims, seed, products, signal);
    if (!((axes.values[0] ?? 0) > SAME * meanSquare(vectors)))
      throw new VectorsUnusable(`All ${rows} photos have the same vector. ${MORE_PHOTOS}`);
    return { mean, projection: scaledAxes(axes, exponent), width, dims: axes.values.length, variances: axes.values };
  } finally {
    await products.close();
  }
}

function check({ data, rows, columns }: FloatMatrix, dims: number): void {
  if (data.length !== rows * columns) {
    throw new VectorsUnusable(`${data.length} numbers were given for ${rows} vectors of ${columns}.`);
  }
  if (rows < 2) throw new VectorsUnusable(`Axes need at least 2 photos; ${rows} given. ${MORE_PHOTOS}`);
  if (!Number.isInteger(dims) || dims < 1 || dims > columns) {
    throw new VectorsUnusable(`${dims} dimensions cannot be kept of ${columns}. Choose 1 to ${columns}.`);
  }
  const damaged = data.findIndex((value) => !Number.isFinite(value));
  if (damaged >= 0) {
    throw new VectorsUnusable(
      `The vector of photo ${Math.floor(damaged / columns)} holds a number that is infinite or none. ` +
        "Check the encoder: its weights may be damaged.",
    );
  }
}

function meanOf({ data, rows, columns }: FloatMatrix): Float32Array {
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    for (let column = 0; column < columns; column++) sums[column]! += data[from + column]!;
  }
  return Float32Array.from(sums, (sum) => sum / rows);
}

function centredRows({ data, columns }: FloatMatrix, mean: Float32Array, from: number, to: number): FloatMatrix {
  const centred = data.slice(from * columns, to * columns);
  for (let row = 0; row < centred.length; row += columns) {
    for (let column = 0; column < columns; column++) centred[row + column]! -= mean[column]!;
  }
  return { data: centred, rows: to - from, columns };
}

/** `[width, width]`, divided by the count less one. */
async function covariance(
  vectors: FloatMatrix,
  mean: Float32Array,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<FloatMatrix> {
  const { rows, columns: width } = vectors;
  const sum = new Float64Array(width * width);
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    signal?.throwIfAborted();
    const block = centredRows(vectors, mean, from, Math.min(rows, from + ROWS_AT_ONCE));
    const { data } = await products.multiply(block, block, { a: true });
    for (let index = 0; index < sum.length; index++) sum[index]! += data[index]!;
  }
  return { data: Float32Array.from(sum, (value) => value / (rows - 1)), rows: width, columns: width };
}

/** X Xᵀ u = λ u  ⇒  Xᵀ X (Xᵀ u) = λ (Xᵀ u), of length √λ. */
async function axesOfFew(
  vectors: FloatMatrix,
  mean: Float32Array,
  dims: number,
  seed: number,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<LeadingAxes> {
  const centred = centredRows(vectors, mean, 0, vectors.rows);
  const inner = await products.multiply(centred, centred, { b: true });
  const { values, vectors: combinations } = await leadingAxes(inner, dims, seed, products, signal);
  const { data, rows, columns } = await products.multiply(combinations, centred);
  const axes = new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) {
    axes[index] = data[index]! / Math.sqrt(values[Math.floor(index / columns)]!);
  }
  return {
    values: values.map((value) => value / (vectors.rows - 1)),
    vectors: { data: axes, rows, columns },
  };
}

/** `[width, dims]`: every axis divided by its variance to the exponent, turned so that its longest part is positive. */
function scaledAxes({ values, vectors: { data, rows, columns } }: LeadingAxes, exponent: number): Float32Array {
  const scaled = new Float32Array(data.length);
  for (let axis = 0; axis < rows; axis++) {
    const vector = data.subarray(axis * columns, (axis + 1) * columns);
    const longest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    const scale = Math.sign(longest) / values[axis]! ** exponent;
    for (const [column, value] of vector.entries()) scaled[column * rows + axis] = value * scale;
  }
  return scaled;
}

function meanSquare({ data }: FloatMatrix): number {
  let sum = 0;
  for (const value of data) sum += value * value;
  return sum / data.length;
}
