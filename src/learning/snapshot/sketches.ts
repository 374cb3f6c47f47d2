import { createDraws, openSimilaritySession, type UnitVectors } from "../../mining/index.js";
import type { LabelledVector } from "../../vectors/vectors.type.js";

/** Dimensions of a sketch. Squared distances survive within 12 % (one deviation, √(2/128)). */
const SKETCH = 128;
const SEED = 20_261_124;

/**
 * Short stand-ins of many vectors: their products with 128 random directions, less those of their mean, at unit length.
 * Centring makes distances comparable between encoders, whose vectors may all point much the same way.
 */
export interface Sketches {
  readonly vectors: UnitVectors;
  /** Of all vectors, `[dims]`. */
  readonly mean: Float32Array;
}

/**
 * Sketches of the vectors that are wanted, as they stream by.
 * @param wanted takes each vector once and says whether it is sketched
 */
export async function sketch(
  batches: AsyncIterable<readonly LabelledVector[]>,
  wanted: (item: LabelledVector) => boolean,
  signal?: AbortSignal,
): Promise<Sketches> {
  const blocks: Float32Array[] = [];
  let projector: Projector | undefined;
  let sum = new Float64Array(0);
  let count = 0;
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const items = batch.filter(wanted);
      if (items.length === 0) continue;
      const dims = items[0]!.vector.length;
      if (sum.length === 0) sum = new Float64Array(dims);
      for (const { vector } of items) for (let at = 0; at < dims; at++) sum[at]! += vector[at]!;
      projector ??= await openProjector(dims);
      blocks.push(await projector.project(items.map(({ vector }) => vector)));
      count += items.length;
    }
    const mean = Float32Array.from(sum, (value) => value / count);
    const dims = projector?.dims ?? 0;
    const data = new Float32Array(count * dims);
    let next = 0;
    for (const block of blocks.splice(0)) {
      data.set(block, next);
      next += block.length;
    }
    if (projector) centre(data, dims, await projector.project([mean]));
    return { vectors: { data, count, dims }, mean };
  } finally {
    await projector?.close();
  }
}

/** Subtracts a mean from rows and makes them unit vectors, in place. */
export function centre(rows: Float32Array, dims: number, mean: Float32Array): void {
  for (let from = 0; from < rows.length; from += dims) {
    let squares = 0;
    for (let at = 0; at < dims; at++) {
      const value = rows[from + at]! - mean[at]!;
      rows[from + at] = value;
      squares += value * value;
    }
    const length = Math.sqrt(squares) || 1;
    for (let at = 0; at < dims; at++) rows[from + at]! /= length;
  }
}

interface Projector {
  readonly dims: number;
  project(vectors: readonly Float32Array[]): Promise<Float32Array>;
  close(): Promise<void>;
}

async function openProjector(dims: number): Promise<Projector> {
  const joined = (vectors: readonly Float32Array[]): UnitVectors => {
    const data = new Float32Array(vectors.length * dims);
    for (const [row, vector] of vectors.entries()) data.set(vector, row * dims);
    return { data, count: vectors.length, dims };
  };
  // Short vectors are their own sketches.
  if (dims <= SKETCH) return { dims, project: async (vectors) => joined(vectors).data, close: async () => {} };
  const session = await openSimilaritySession({ dims });
  const axes: UnitVectors = { data: randomSigns(SKETCH * dims), count: SKETCH, dims };
  return {
    dims: SKETCH,
    async project(vectors) {
      const rows = joined(vectors);
      const { similarities } = await session.run(
        { vectors: rows, from: 0, until: rows.count },
        { vectors: axes, from: 0, until: SKETCH },
      );
      return similarities;
    },
    close: () => session.release(),
  };
}

/** ±1 are as good as normal numbers here (Achlioptas 2003). */
function randomSigns(count: number): Float32Array {
  const draws = createDraws(SEED);
  return Float32Array.from({ length: count }, () => (draws.share() < 0.5 ? -1 : 1));
}
