import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countDistance, distanceAt, noDistances, shareUpTo } from "../../src/mining/distance-counts.js";
import { describeDistances } from "../../src/mining/index.js";
import { overlapOf, peakOf, smoothedDensity } from "../../src/mining/kernel-density.js";
import { distanceOf, drawClusters, join, type LabelledVectors } from "../support/mining-samples.js";
import { createRandom } from "../support/random-catalog.js";

/** All distances by a double loop. */
function plainDistances({ vectors, labels }: LabelledVectors): { positive: number[]; negative: number[] } {
  const positive: number[] = [];
  const negative: number[] = [];
  for (let left = 0; left < vectors.count; left++) {
    for (let right = left + 1; right < vectors.count; right++) {
      if (labels[left]! < 0 || labels[right]! < 0) continue;
      (labels[left] === labels[right] ? positive : negative).push(distanceOf(vectors, left, right));
    }
  }
  return { positive, negative };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
const close = (actual: number, expected: number, by: number, what?: string): void =>
  assert.ok(Math.abs(actual - expected) <= by, `${what ?? ""} ${actual} instead of ${expected}`);

/** About normal. */
const drawn = (random: ReturnType<typeof createRandom>, centre: number, spread: number): number => {
  let sum = 0;
  for (let term = 0; term < 12; term++) sum += random.below(1_000_000) / 1_000_000;
  return centre + spread * (sum - 6);
};

describe("a smoothed density", () => {
  const countsOf = (values: Iterable<number>) => {
    const counts = noDistances();
    for (const value of values) countDistance(counts, value);
    return counts;
  };

  it("sums to one and has its peak where the distances gather", () => {
    const random = createRandom(1);
    for (const [centre, spread] of [
      [0.2, 0.05],
      [0.9, 0.2],
      [1.4, 0.1],
    ] as const) {
      const density = smoothedDensity(
        countsOf(Array.from({ length: 20_000 }, () => drawn(random, centre, spread))),
        2000,
      );
      close(
        density.reduce((sum, value) => sum + value, 0),
        1,
        1e-9,
      );
      close(peakOf(density), centre, spread / 5);
    }
  });

  it("finds the higher of two peaks", () => {
    const random = createRandom(2);
    const values = Array.from({ length: 30_000 }, (_, at) => drawn(random, at % 3 === 0 ? 0.3 : 0.8, 0.06));
    close(peakOf(smoothedDensity(countsOf(values), 3000)), 0.8, 0.02);
  });

  it("keeps what lies at 0, where all photos of a label are one point", () => {
    const density = smoothedDensity(countsOf(Array.from({ length: 500 }, () => -1e-7)), 50);
    close(
      density.reduce((sum, value) => sum + value, 0),
      1,
      1e-9,
    );
    close(peakOf(density), 0, 0.005);
  });

  it("shares an area that is known", () => {
    const random = createRandom(3);
    const of = (centre: number) =>
      smoothedDensity(countsOf(Array.from({ length: 40_000 }, () => drawn(random, centre, 0.1))), 4000);
    // Two normal distributions d deviations apart share 2 Φ(−d / 2).
    close(overlapOf(of(0.6), of(0.8)), 0.317, 0.03);
    close(overlapOf(of(0.5), of(1.5)), 0, 0.001);
  });
});

describe("counted distances", () => {
  it("give shares and quantiles that belong to each other", () => {
    const counts = noDistances();
    for (let at = 0; at < 1000; at++) countDistance(counts, at / 1000);
    close(shareUpTo(counts, 0.25), 0.25, 1e-9);
    for (const share of [0.01, 0.5, 0.995, 1]) close(shareUpTo(counts, distanceAt(counts, share)), share, 1e-9);
  });
});

describe("describeDistances", () => {
  const sample = drawClusters({ seed: 21, labels: 6, photos: 400, dims: 12, spread: 0.9 });
  sample.labels.fill(-1, 0, 40);
  const plain = plainDistances(sample);

  it("equals a double loop over all pairs", async () => {
    const report = await describeDistances(sample.vectors, sample.labels, { seed: 1 });
    assert.equal(report.photos, 360);
    assert.equal(report.positivePairs, plain.positive.length);
    assert.equal(report.negativePairs, plain.negative.length);
    assert.ok(report.allPositives && report.allNegatives);
    close(report.meanPositive, mean(plain.positive), 1e-5);
    close(report.meanNegative, mean(plain.negative), 1e-5);
    const apart = mean(plain.negative) - mean(plain.positive);
    const pooled = Math.sqrt((deviation(plain.positive) ** 2 + deviation(plain.negative) ** 2) / 2);
    close(report.dPrime, apart / pooled, 1e-3);
    for (const side of ["positive", "negative"] as const) {
      const { from, width, counts } = report[side];
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        plain[side].length,
      );
      const expected = counts.map(
        (_, bin) => plain[side].filter((d) => d >= from + bin * width && d < from + (bin + 1) * width).length,
      );
      // A distance on an edge may fall on either side of it.
      for (const [bin, count] of counts.entries()) close(count, expected[bin]!, 2, `bin ${bin}`);
    }
  });

  it("divides pairs at the peaks into easy and hard ones", async () => {
    const report = await describeDistances(sample.vectors, sample.labels, { seed: 1 });
    const { positivePeak, negativePeak } = report.bands;
    const shareOf = (values: number[], fits: (value: number) => boolean) => values.filter(fits).length / values.length;
    close(
      report.easyPositives,
      shareOf(plain.positive, (d) => d <= positivePeak),
      0.005,
    );
    close(
      report.hardPositives,
      shareOf(plain.positive, (d) => d > positivePeak),
      0.005,
    );
    close(
      report.hardNegatives,
      shareOf(plain.negative, (d) => d < negativePeak),
      0.005,
    );
    close(
      report.easyNegatives,
      shareOf(plain.negative, (d) => d >= negativePeak),
      0.005,
    );
    assert.ok(positivePeak < negativePeak);
    const threshold = report.equalErrorThreshold;
    close(
      shareOf(plain.positive, (d) => d > threshold),
      report.equalErrorRate,
      0.005,
    );
    close(
      shareOf(plain.negative, (d) => d < threshold),
      report.equalErrorRate,
      0.005,
    );
  });

  it("describes a fair sample where there are more pairs than wanted", async () => {
    const whole = await describeDistances(sample.vectors, sample.labels, { seed: 1 });
    const some = await describeDistances(sample.vectors, sample.labels, {
      seed: 1,
      maxNegativePairs: 20_000,
      maxPositivePairs: 4_000,
    });
    assert.ok(!some.allPositives && !some.allNegatives);
    close(some.positivePairs, 4_000, 1);
    close(some.negativePairs, 20_000, 400);
    close(some.meanPositive, whole.meanPositive, 0.02);
    close(some.meanNegative, whole.meanNegative, 0.02);
    close(some.bands.positivePeak, whole.bands.positivePeak, 0.1);
    close(some.bands.negativePeak, whole.bands.negativePeak, 0.1);
    close(some.equalErrorRate, whole.equalErrorRate, 0.02);
    assert.deepEqual(
      some,
      await describeDistances(sample.vectors, sample.labels, {
        seed: 1,
        maxNegativePairs: 20_000,
        maxPositivePairs: 4_000,
      }),
    );
  });

  it("weighs small labels as they are when it samples", async () => {
    // 100 photos of one tight label, 50 labels of two photos far apart.
    const random = createRandom(9);
    const centre = random.vector(16);
    const rows = Array.from({ length: 200 }, (_, at) => (at < 100 ? centre : random.vector(16)));
    const labels = Int32Array.from(rows, (_, at) => (at < 100 ? 0 : 1 + Math.floor((at - 100) / 2)));
    const vectors = join(rows);
    const whole = await describeDistances(vectors, labels, { seed: 1 });
    const some = await describeDistances(vectors, labels, { seed: 1, maxPositivePairs: 500 });
    close(some.meanPositive, whole.meanPositive, 1e-4);
  });

  it("says what is missing", async () => {
    const { vectors } = drawClusters({ seed: 1, labels: 2, photos: 6, dims: 4, spread: 1 });
    const cases: [Int32Array, RegExp][] = [
      [new Int32Array(6).fill(-1), /No photo has a label/],
      [new Int32Array(6), /all the same label/],
      [Int32Array.of(0, 1, 2, 3, 4, 5), /no two the same/],
    ];
    for (const [labels, message] of cases) {
      await assert.rejects(describeDistances(vectors, labels, { seed: 1 }), { code: "NOT_ENOUGH_DATA", message });
    }
  });
});
