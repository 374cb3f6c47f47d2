import type { Histogram } from "../../mining/mining.type.js";

/** A curve to draw: a density over cosine distance. */
export interface Density {
  readonly points: readonly { readonly distance: number; readonly density: number }[];
  readonly highest: number;
}

/** Least deviation of the drawing kernel in bins: what takes the saw-teeth off. */
const LEAST_DEVIATION = 1;
/** Points drawn a bin, so that a narrow hill is round. */
const POINTS = 4;

/**
 * A histogram as a smooth density of area 1, by a Gaussian kernel as wide as Silverman's rule has it.
 * @param independent observations that the pairs are worth: pairs of one photo move together
 */
export function densityOf({ from, width, counts }: Histogram, independent: number): Density {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const spread = deviationOf(counts, total);
  const deviation = Math.max(LEAST_DEVIATION, 0.9 * spread * Math.max(2, Math.min(total, independent)) ** -0.2);
  const reach = Math.ceil(4 * deviation);
  const height = total === 0 ? 0 : 1 / (total * width * deviation * Math.sqrt(2 * Math.PI));
  // Mirrored at 0, where no distance is beyond: the hill of a well-trained model stands there.
  const countAt = (bin: number): number => counts[bin < 0 && from === 0 ? -1 - bin : bin] ?? 0;
  const points = Array.from({ length: counts.length * POINTS + 1 }, (_, at) => {
    const place = at / POINTS;
    let sum = 0;
    for (let bin = Math.floor(place) - reach; bin <= Math.floor(place) + reach; bin++) {
      const far = (bin + 0.5 - place) / deviation;
      sum += countAt(bin) * Math.exp(-0.5 * far * far);
    }
    return { distance: from + place * width, density: sum * height };
  });
  return { points, highest: Math.max(0, ...points.map(({ density }) => density)) };
}

/** In bins. */
function deviationOf(counts: readonly number[], total: number): number {
  if (total === 0) return 0;
  const mean = counts.reduce((sum, count, bin) => sum + count * bin, 0) / total;
  return Math.sqrt(counts.reduce((sum, count, bin) => sum + count * (bin - mean) ** 2, 0) / total);
}

/** Distances between which all but a few thousandths of the pairs lie. */
export function rangeOf({ from, width, counts }: Histogram): { low: number; high: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const edge = (share: number): number => {
    let sum = 0;
    const bin = counts.findIndex((count) => {
      sum += count;
      return sum >= share * total && sum > 0;
    });
    return from + Math.max(0, bin) * width;
  };
  return { low: edge(0.001), high: edge(0.997) + width };
}

/** Density at a distance, between the middles of its bins. */
export function densityAt({ points }: Density, distance: number): number {
  const right = points.findIndex((point) => point.distance >= distance);
  if (right <= 0) return right === 0 ? points[0]!.density : 0;
  const before = points[right - 1]!;
  const after = points[right]!;
  const share = (distance - before.distance) / (after.distance - before.distance);
  return before.density + share * (after.density - before.density);
}
