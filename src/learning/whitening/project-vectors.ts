import { createMatrixProducts } from "./matrix-products.js";
import type { Projection } from "./projection.type.js";
import { VectorsUnusable } from "./whitening.errors.js";

/** Keeps a vector of zeros from being divided by zero, as the heads of models do. */
const LEAST_SQUARE = 1e-12;
const ROWS_AT_ONCE = 4096;

/**
 * What a model with this projection gives, of vectors that are there already: unit vectors `[count, dims]`.
 * @param vectors `[count, width]`
 * @throws VectorsUnusable
 */
export async function projectVectors(
  vectors: Float32Array,
  count: number,
  { mean, projection, width, dims }: Projection,
  threads?: number,
): Promise<Float32Array> {
  if (vectors.length !== count * width) {
    throw new VectorsUnusable(`${vectors.length} numbers were given for ${count} vectors of ${width}.`);
  }
  const projected = new Float32Array(count * dims);
  const products = createMatrixProducts(threads);
  try {
    for (let from = 0; from < count; from += ROWS_AT_ONCE) {
      const to = Math.min(count, from + ROWS_AT_ONCE);
      const rows = vectors.slice(from * width, to * width);
      for (let index = 0; index < rows.length; index++) rows[index]! -= mean[index % width]!;
      const block = { data: rows, rows: to - from, columns: width };
      const { data } = await products.multiply(block, { data: projection, rows: width, columns: dims });
      projected.set(data, from * dims);
    }
  } finally {
    await products.close();
  }
  makeUnit(projected, dims);
  return projected;
}

/** Vectors of two models side by side as `joinModels` gives them: their cosines are averaged by share. */
export function joinVectors(
  first: { readonly data: Float32Array; readonly dims: number },
  second: { readonly data: Float32Array; readonly dims: number },
  firstShare: number,
): Float32Array {
  const count = first.data.length / first.dims;
  const dims = first.dims + second.dims;
  const joined = new Float32Array(count * dims);
  const [scaleFirst, scaleSecond] = [Math.sqrt(firstShare), Math.sqrt(1 - firstShare)];
  for (let row = 0; row < count; row++) {
    const at = row * dims;
    for (let index = 0; index < first.dims; index++) {
      joined[at + index] = first.data[row * first.dims + index]! * scaleFirst;
    }
    for (let index = 0; index < second.dims; index++) {
      joined[at + first.dims + index] = second.data[row * second.dims + index]! * scaleSecond;
    }
  }
  return joined;
}

function makeUnit(rows: Float32Array, dims: number): void {
  for (let from = 0; from < rows.length; from += dims) {
    let square = LEAST_SQUARE;
    for (let index = from; index < from + dims; index++) square += rows[index]! * rows[index]!;
    const scale = 1 / Math.sqrt(square);
    for (let index = from; index < from + dims; index++) rows[index]! *= scale;
  }
}
