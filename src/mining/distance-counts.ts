/** Width of a bin. Distances are 0 … 2; a thousandth is finer than any peak and coarser than rounding. */
export const BIN = 0.001;
const BINS = 2 / BIN;

/** Distances, counted by bin, with their moments. */
export interface DistanceCounts {
  readonly bins: Float64Array;
  total: number;
  sum: number;
  squares: number;
}

export const noDistances = (): DistanceCounts => ({ bins: new Float64Array(BINS), total: 0, sum: 0, squares: 0 });

export function countDistance(counts: DistanceCounts, distance: number, weight = 1): void {
  // Of equal vectors rounding makes a distance below 0.
  const bin = Math.min(BINS - 1, Math.max(0, Math.floor(distance / BIN)));
  counts.bins[bin]! += weight;
  counts.total += weight;
  counts.sum += weight * distance;
  counts.squares += weight * distance * distance;
}

export const meanOf = ({ sum, total }: DistanceCounts): number => sum / total;

export function varianceOf({ sum, squares, total }: DistanceCounts): number {
  return Math.max(0, squares / total - (sum / total) ** 2);
}

/** Share of the distances up to this one; linear inside a bin. */
export function shareUpTo({ bins, total }: DistanceCounts, distance: number): number {
  const place = Math.min(BINS, Math.max(0, distance / BIN));
  const whole = Math.floor(place);
  let sum = (bins[whole] ?? 0) * (place - whole);
  for (let bin = 0; bin < whole; bin++) sum += bins[bin]!;
  return sum / total;
}

/** The distance up to which this share lies; linear inside a bin. */
export function distanceAt({ bins, total }: DistanceCounts, share: number): number {
  const wanted = share * total;
  let sum = 0;
  for (const [bin, count] of bins.entries()) {
    if (count > 0 && sum + count >= wanted) return (bin + (wanted - sum) / count) * BIN;
    sum += count;
  }
  return 2;
}
