import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { intervalsOf, resampleMeans } from "../../src/evaluation/bootstrap.js";
import { compareResults } from "../../src/evaluation/comparison.js";
import type { QueryResult, RankingFigures } from "../../src/evaluation/evaluation.type.js";
import { eachFigure, FIGURES } from "../../src/evaluation/ranking-metrics.js";
import { createRandom } from "../support/random-catalog.js";

const figures = (value: number): RankingFigures => eachFigure(() => value);
const observed = (values: readonly number[], clusterOf = (at: number) => String(at)) =>
  values.map((value, at) => ({ cluster: clusterOf(at), figures: figures(value) }));

function result(item: number, value: number, shelf = "all", cluster = String(item)): QueryResult {
  return { item: BigInt(item), productId: BigInt(item), label: shelf, shelf, cluster, figures: figures(value) };
}

describe("the bootstrap", () => {
  const random = createRandom(1);
  const draws = Array.from({ length: 400 }, () => Number(random.chance(0.3)));

  it("gives the same means for the same seed, and others for another", () => {
    assert.deepEqual(resampleMeans(observed(draws)), resampleMeans(observed(draws)));
    assert.notDeepEqual(resampleMeans(observed(draws), { seed: 2 }), resampleMeans(observed(draws)));
  });

  it("has 1,000 resamples in ascending order", () => {
    const { mapAtR } = resampleMeans(observed(draws));
    assert.equal(mapAtR.length, 1_000);
    assert.deepEqual(
      [...mapAtR].sort((left, right) => left - right),
      [...mapAtR],
    );
  });

  it("is as wide as the binomial law says, for yes or no", () => {
    const share = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const { low, high } = intervalsOf(resampleMeans(observed(draws))).recallAt1;
    const half = 1.96 * Math.sqrt((share * (1 - share)) / draws.length);
    assert.ok(Math.abs(low - (share - half)) < 0.01, `${low}`);
    assert.ok(Math.abs(high - (share + half)) < 0.01, `${high}`);
  });

  it("is twice as wide when four like queries are one observation", () => {
    const repeated = draws.slice(0, 100).flatMap((value) => [value, value, value, value]);
    const apart = intervalsOf(resampleMeans(observed(repeated))).mapAtR;
    const together = intervalsOf(resampleMeans(observed(repeated, (at) => String(at >> 2)))).mapAtR;
    const ratio = (together.high - together.low) / (apart.high - apart.low);
    assert.ok(ratio > 1.7 && ratio < 2.3, `${ratio}`);
  });

  it("weighs clusters by their queries", () => {
    // Cluster a: three ones; cluster b: one zero. Two draws give aa (1), ab and ba (.75), bb (0), a quarter each.
    const means = resampleMeans(observed([1, 1, 1, 0], (at) => (at < 3 ? "a" : "b"))).recallAt1;
    const shareOf = (value: number) => means.filter((mean) => mean === value).length / means.length;
    assert.equal(shareOf(1) + shareOf(0.75) + shareOf(0), 1);
    assert.ok(Math.abs(shareOf(0.75) - 0.5) < 0.06);
    assert.ok(Math.abs(shareOf(0) - 0.25) < 0.06);
  });

  it("has no width when there is one value", () => {
    assert.deepEqual(intervalsOf(resampleMeans(observed([0.5, 0.5, 0.5]))).mapAtR, { low: 0.5, high: 0.5 });
  });
});

describe("comparing two models", () => {
  it("subtracts query by query and leaves out what only one of them answered", () => {
    const comparison = compareResults(
      [result(1, 1), result(2, 0.5), result(3, 0.9)],
      [result(2, 0.25), result(1, 0.5), result(4, 1)],
    );
    assert.ok(comparison);
    assert.deepEqual([comparison.queries, comparison.clusters], [2, 2]);
    for (const name of FIGURES) {
      assert.equal(comparison.first[name], 0.75);
      assert.equal(comparison.second[name], 0.375);
      assert.equal(comparison.differences[name], 0.375);
    }
    // Only .25, .375 and .5 can be drawn from the two differences .5 and .25.
    assert.deepEqual(comparison.intervals.mapAtR, { low: 0.25, high: 0.5 });
  });

  it("is far narrower than the means are when queries differ more than models", () => {
    const random = createRandom(4);
    const hardness = Array.from({ length: 200 }, () => random.below(1000) / 1000);
    const second = hardness.map((value, at) => result(at, value * 0.9));
    const first = hardness.map((value, at) => result(at, value * 0.9 + 0.05));
    const { low, high } = compareResults(first, second)!.intervals.mapAtR;
    assert.ok(low > 0.0499 && high < 0.0501);
    const own = intervalsOf(resampleMeans(first)).mapAtR;
    assert.ok(own.high - own.low > 0.05);
  });

  it("names the labels that surely got worse, and no others", () => {
    const random = createRandom(9);
    const noise = () => (random.below(2000) - 1000) / 1000;
    const pairs = Array.from({ length: 120 }, (_, at) => {
      const shelf = ["worse", "better", "same", "small"][at % 4]!;
      const shift = { worse: -0.2, better: 0.2, same: 0, small: -1 }[shelf]!;
      return { at, shelf, shift: shift + 0.1 * noise() };
    }).filter(({ shelf, at }) => shelf !== "small" || at < 16);
    const comparison = compareResults(
      pairs.map(({ at, shelf, shift }) => result(at, 1 + shift, shelf)),
      pairs.map(({ at, shelf }) => result(at, 1, shelf)),
    )!;
    assert.deepEqual(
      comparison.byLabel.filter(({ worse }) => worse).map(({ label }) => label),
      ["worse"],
      "four observations are too few to judge",
    );
    assert.deepEqual(
      comparison.byLabel.map(({ queries }) => queries),
      [30, 30, 30, 4],
    );
  });

  it("has nothing to say without a query in common", () => {
    assert.equal(compareResults([result(1, 1)], [result(2, 1)]), undefined);
  });
});
