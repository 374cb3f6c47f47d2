import { BIN, type DistanceCounts, distanceAt, varianceOf } from "./distance-counts.js";

/**
 * Density of the distances at the middle of each bin, smoothed by a Gaussian kernel of Silverman's width and mirrored
 * at 0 and 2, where it would otherwise lose what lies beyond. Sums to 1 over the bins.
 * @param independent how many independent observations the distances are worth: pairs share their photos
 */
export function smoothedDensity(counts: DistanceCounts, independent: number): Float64Array {
  const { bins, total } = counts;
  const quartiles = (distanceAt(counts, 0.75) - distanceAt(counts, 0.25)) / 1.34;
  const deviation = Math.sqrt(varianceOf(counts));
  const spread = quartiles > 0 ? Math.min(deviation, quartiles) : deviation;
  const width = Math.max(2, (0.9 * spread * independent ** -0.2) / BIN);
  const reach = Math.ceil(4 * width);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-0.5 * ((at - reach) / width) ** 2));
  const mass = kernel.reduce((sum, value) => sum + value, 0) * total;
  const density = new Float64Array(bins.length);
  for (const [bin, count] of bins.entries()) {
    if (count === 0) continue;
    for (let at = -reach; at <= reach; at++) {
      let place = bin + at;
      if (place < 0) place = -1 - place;
      if (place >= bins.length) place = 2 * bins.length - 1 - place;
      density[place]! += (count * kernel[at + reach]!) / mass;
    }
  }
  return density;
}

/** Distance where the density is highest. */
export function peakOf(density: Float64Array): number {
  let highest = 0;
  for (const [bin, value] of density.entries()) if (value > density[highest]!) highest = bin;
  return (highest + 0.5) * BIN;
}

/** Area that two densities share. */
export function overlapOf(left: Float64Array, right: Float64Array): number {
  return left.reduce((sum, value, bin) => sum + Math.min(value, right[bin]!), 0);
}
