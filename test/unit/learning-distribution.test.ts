import assert from "node:assert/strict";
import { describe, it } from "node:test";
import sharp from "sharp";
import { densityAt, densityOf, rangeOf } from "../../src/learning/distribution/density.js";
import { type DistanceDistribution, drawDistributions } from "../../src/learning/distribution/index.js";
import type { Histogram } from "../../src/mining/mining.type.js";

function histogram(mean: number, deviation: number, pairs: number): Histogram {
  const shares = Array.from({ length: 200 }, (_, bin) =>
    Math.exp(-0.5 * (((bin + 0.5) * 0.01 - mean) / deviation) ** 2),
  );
  const total = shares.reduce((sum, share) => sum + share, 0);
  return { from: 0, width: 0.01, counts: shares.map((share) => Math.round((pairs * share) / total)) };
}

function distribution(model: string, positive: number, negative: number): DistanceDistribution {
  return {
    modelId: 1,
    model,
    labels: "category",
    createdAt: new Date(0),
    report: {
      photos: 1000,
      positivePairs: 90_000,
      allPositives: true,
      negativePairs: 400_000,
      allNegatives: false,
      positive: histogram(positive, 0.05, 90_000),
      negative: histogram(negative, 0.1, 400_000),
      bands: { positivePeak: positive, negativePeak: negative },
      easyPositives: 0.5,
      hardPositives: 0.5,
      hardNegatives: 0.25,
      easyNegatives: 0.75,
      overlap: 0.1,
      dPrime: 2.5,
      equalErrorThreshold: (positive + negative) / 2,
      equalErrorRate: 0.02,
      meanPositive: positive,
      meanNegative: negative,
    },
  };
}

describe("a density to draw", () => {
  it("has area 1 and its peak where the pairs gather", () => {
    const density = densityOf(histogram(0.6, 0.1, 100_000), 5_000);
    const step = density.points[1]!.distance - density.points[0]!.distance;
    const area = density.points.reduce((sum, point) => sum + point.density * step, 0);
    assert.ok(Math.abs(area - 1) < 0.001, `${area}`);
    const peak = density.points.find((point) => point.density === density.highest)!;
    assert.ok(Math.abs(peak.distance - 0.6) < 0.01);
    // A normal density of deviation .1 is 3.99 high; the kernel widens it a little.
    assert.ok(density.highest > 3.6 && density.highest < 4);
  });

  it("keeps the height of a hill that stands at 0", () => {
    const half = histogram(0, 0.1, 100_000);
    const density = densityOf(half, 5_000);
    assert.ok(density.points[0]!.density > 0.97 * density.highest);
  });

  it("is smoother where fewer photos made the pairs", () => {
    const counts = Array.from({ length: 200 }, (_, bin) =>
      bin > 50 && bin < 150 ? 100 + 80 * (Math.floor(bin / 5) % 2) : 0,
    );
    const roughness = (photos: number): number => {
      const { points } = densityOf({ from: 0, width: 0.01, counts }, photos);
      const middle = points.filter(({ distance }) => distance > 0.9 && distance < 1.1).map(({ density }) => density);
      return Math.max(...middle) - Math.min(...middle);
    };
    assert.ok(roughness(100_000_000) > 2 * roughness(50));
  });

  it("is read between its points, and is nothing outside", () => {
    const density = {
      points: [
        { distance: 0, density: 0 },
        { distance: 1, density: 2 },
      ],
      highest: 2,
    };
    assert.equal(densityAt(density, 0.25), 0.5);
    assert.equal(densityAt(density, 1.5), 0);
  });

  it("is of an empty histogram too", () => {
    assert.equal(densityOf({ from: 0, width: 0.01, counts: [0, 0] }, 10).highest, 0);
    const { low, high } = rangeOf(histogram(0.6, 0.1, 100_000));
    assert.ok(low > 0.2 && low < 0.4 && high > 0.8 && high < 1);
  });
});

describe("the picture of distances", () => {
  const before = distribution("base-1", 0.3, 0.35);
  const after = distribution("trained-2", 0.1, 0.9);

  it("shows each model with its figures, and is drawn by any renderer", async () => {
    const svg = drawDistributions([
      { title: "Before", distribution: before },
      { title: "After", distribution: after },
    ]);
    for (const words of [
      "Before",
      "After",
      "base-1",
      "trained-2",
      "by category",
      "0.100",
      "0.900",
      "2.50",
      "25 %",
      "a sample of 400,000",
    ]) {
      assert.ok(svg.includes(words), words);
    }
    const { data, info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [1200, 948]);
    const colourAt = (x: number, y: number) => [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)];
    // Right of the second peak of the lower panel, below its curve: easy negatives, light orange over white.
    const [red, green, blue] = colourAt(720, 84 + 400 + 350);
    assert.ok(red! > green! && green! > blue!, `${red} ${green} ${blue}`);
  });

  it("is one panel for one model", () => {
    const svg = drawDistributions([{ title: "Distances", distribution: after }]);
    assert.match(svg, /height="548"/);
    assert.ok(!svg.includes("own scale"));
  });

  it("writes names as text", () => {
    const svg = drawDistributions([{ title: "<b>", distribution: { ...after, labels: "attribute:a&b" } }]);
    assert.ok(!svg.includes("<b>") && svg.includes("a&#38;b"));
  });
});
