import type { UnitVectors } from "../../src/mining/index.js";
import { createRandom, unit } from "./random-catalog.js";

export interface LabelledVectors {
  readonly vectors: UnitVectors;
  readonly labels: Int32Array;
}

/** Points around one centre a label. `spread`: length of the noise against the centre's 1. */
export function drawClusters(options: {
  readonly seed: number;
  readonly labels: number;
  readonly photos: number;
  readonly dims: number;
  readonly spread: number;
}): LabelledVectors {
  const { seed, labels: count, photos, dims, spread } = options;
  const random = createRandom(seed);
  const centres = Array.from({ length: count }, () => random.vector(dims));
  const labels = Int32Array.from({ length: photos }, () => random.below(count));
  const rows = Array.from(labels, (label) => {
    const noise = random.vector(dims);
    return unit(centres[label]!.map((value, at) => value + spread * noise[at]!));
  });
  return { vectors: join(rows), labels };
}

export function join(rows: readonly Float32Array[]): UnitVectors {
  const dims = rows[0]!.length;
  const data = new Float32Array(rows.length * dims);
  for (const [at, row] of rows.entries()) data.set(row, at * dims);
  return { data, count: rows.length, dims };
}

/** Cosine distance by a plain loop in double precision. */
export function distanceOf({ data, dims }: UnitVectors, left: number, right: number): number {
  let sum = 0;
  for (let at = 0; at < dims; at++) sum += data[left * dims + at]! * data[right * dims + at]!;
  return 1 - sum;
}
