import { BIN, type DistanceCounts, meanOf, shareUpTo, varianceOf } from "./distance-counts.js";
import { overlapOf, peakOf, smoothedDensity } from "./kernel-density.js";
import { measurePairs, type PairMeasurement } from "./measure-pairs.js";
import type { Bands, DistributionReport, Histogram, UnitVectors } from "./mining.type.js";

/** A report's histograms have bins of .01: 200 of them draw well and fit a database row. */
const MERGED = 10;

export interface DescribeOptions {
  readonly seed: number;
  /** Looked at when there are more. Default 20 million, which are all of some 6,000 photos. */
  readonly maxNegativePairs?: number;
  readonly maxPositivePairs?: number;
  readonly signal?: AbortSignal;
  readonly threads?: number;
}

/**
 * How distances of positive and of negative pairs lie: their peaks and bands, how far both are apart.
 * @param labels one a photo; −1: in no pair
 * @throws NothingToMine  when there is no positive or no negative pair
 */
export async function describeDistances(
  vectors: UnitVectors,
  labels: Int32Array,
  { seed, maxNegativePairs = 20e6, maxPositivePairs = 20e6, signal, threads }: DescribeOptions,
): Promise<DistributionReport> {
  const measured = await measurePairs(vectors, labels, { seed, maxNegativePairs, maxPositivePairs, signal, threads });
  const { positive, negative, photos, allPositives, allNegatives } = measured;
  const densities = densitiesOf(measured);
  const bands = { positivePeak: peakOf(densities.positive), negativePeak: peakOf(densities.negative) };
  const easyPositives = shareUpTo(positive, bands.positivePeak);
  const hardNegatives = shareUpTo(negative, bands.negativePeak);
  const deviation = Math.sqrt((varianceOf(positive) + varianceOf(negative)) / 2);
  return {
    photos,
    positivePairs: Math.round(positive.total),
    allPositives,
    negativePairs: negative.total,
    allNegatives,
    positive: histogramOf(positive),
    negative: histogramOf(negative),
    bands,
    easyPositives,
    hardPositives: 1 - easyPositives,
    hardNegatives,
    easyNegatives: 1 - hardNegatives,
    overlap: overlapOf(densities.positive, densities.negative),
    dPrime: deviation > 0 ? (meanOf(negative) - meanOf(positive)) / deviation : 0,
    ...equalError(positive, negative),
    meanPositive: meanOf(positive),
    meanNegative: meanOf(negative),
  };
}

/** The peaks alone. */
export function bandsOf(measured: PairMeasurement): Bands {
  const { positive, negative } = densitiesOf(measured);
  return { positivePeak: peakOf(positive), negativePeak: peakOf(negative) };
}

function densitiesOf({ positive, negative, photos }: PairMeasurement) {
  // Pairs of the same photos move together: they are worth no more than there are photos.
  const worth = ({ total }: DistanceCounts): number => Math.max(2, Math.min(total, photos));
  return {
    positive: smoothedDensity(positive, worth(positive)),
    negative: smoothedDensity(negative, worth(negative)),
  };
}

function histogramOf({ bins }: DistanceCounts): Histogram {
  const counts = Array.from({ length: bins.length / MERGED }, (_, at) =>
    Math.round(bins.subarray(at * MERGED, (at + 1) * MERGED).reduce((sum, count) => sum + count, 0)),
  );
  return { from: 0, width: BIN * MERGED, counts };
}

/** Where as large a share of positives is beyond as of negatives within. */
function equalError(positive: DistanceCounts, negative: DistanceCounts) {
  const missed = (distance: number): number => 1 - shareUpTo(positive, distance);
  const admitted = (distance: number): number => shareUpTo(negative, distance);
  let [near, far] = [0, 2];
  // Bisection: one falls and the other rises with the distance.
  while (far - near > BIN / 16) {
    const middle = (near + far) / 2;
    if (missed(middle) > admitted(middle)) near = middle;
    else far = middle;
  }
  const equalErrorThreshold = (near + far) / 2;
  const equalErrorRate = (missed(equalErrorThreshold) + admitted(equalErrorThreshold)) / 2;
  return { equalErrorThreshold, equalErrorRate };
}
