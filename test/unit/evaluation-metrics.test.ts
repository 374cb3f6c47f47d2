import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { figuresOf, meansOf, ranksOfRelevant } from "../../src/evaluation/ranking-metrics.js";
import { similaritiesOf } from "../../src/evaluation/similarities.js";
import { createRandom } from "../support/random-catalog.js";

describe("ranksOfRelevant", () => {
  it("ranks by similarity, largest first", () => {
    assert.deepEqual(ranksOfRelevant(Float32Array.of(0.1, 0.9, 0.5, 0.7), [0, 3]), [2, 4]);
  });

  it("keeps the order of the gallery among equals", () => {
    assert.deepEqual(ranksOfRelevant(Float32Array.of(0.5, 0.5, 0.5, 0.5), [1, 3]), [2, 4]);
  });

  it("gives the query itself no rank", () => {
    assert.deepEqual(ranksOfRelevant(Float32Array.of(1, 0.2, 0.9, 0.3), [3], 0), [2]);
  });

  it("equals sorting everything, ties included", () => {
    const random = createRandom(3);
    for (let round = 0; round < 200; round++) {
      const size = 1 + random.below(40);
      const similarities = Float32Array.from({ length: size }, () => random.below(8) / 8);
      const excluded = random.chance(0.5) ? random.below(size) : -1;
      const relevant = Array.from({ length: size }, (_, at) => at).filter(
        (at) => at !== excluded && random.chance(0.3),
      );
      const order = Array.from({ length: size }, (_, at) => at)
        .filter((at) => at !== excluded)
        .sort((left, right) => similarities[right]! - similarities[left]! || left - right);
      const expected = relevant.map((at) => order.indexOf(at) + 1).sort((left, right) => left - right);
      assert.deepEqual(ranksOfRelevant(similarities, relevant, excluded), expected);
    }
  });
});

describe("the metrics of a ranking", () => {
  it("equals a case worked by hand", () => {
    // Relevant at 1, 3 and 12 of 20: precisions there 1/1, 2/3, 3/12.
    const metrics = figuresOf([1, 3, 12], 20);
    assert.equal(metrics.recallAt1, 1);
    assert.equal(metrics.recallAt10, 1);
    assert.equal(metrics.precisionAt1, 1);
    assert.equal(metrics.precisionAt10, 0.2);
    assert.ok(Math.abs(metrics.meanAveragePrecision - (1 + 2 / 3 + 3 / 12) / 3) < 1e-12);
    // R = 3: places 1 to 3 only.
    assert.ok(Math.abs(metrics.mapAtR - (1 + 2 / 3) / 3) < 1e-12);
  });

  it("is 1 everywhere for a perfect ranking, and 0 at the top for a late one", () => {
    assert.deepEqual(Object.values(figuresOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 50)), [1, 1, 1, 1, 1, 1]);
    const late = figuresOf([11], 50);
    assert.deepEqual([late.recallAt1, late.recallAt10, late.precisionAt10, late.mapAtR], [0, 0, 0, 0]);
    assert.equal(late.meanAveragePrecision, 1 / 11);
  });

  it("takes the share of a gallery smaller than ten", () => {
    assert.equal(figuresOf([1, 2], 4).precisionAt10, 0.5);
  });

  it("averages over the queries", () => {
    const means = meansOf([figuresOf([1], 10), figuresOf([2], 10)]);
    assert.equal(means.precisionAt1, 0.5);
    assert.equal(means.meanAveragePrecision, 0.75);
  });
});

describe("similaritiesOf", () => {
  it("equals inner products over blocks of any size and dimensions not divisible by four", () => {
    const random = createRandom(5);
    const rows = Array.from({ length: 11 }, () => random.vector(7));
    const queries = [rows[2]!, random.vector(7)];
    const blocks = [rows.slice(0, 4), rows.slice(4, 4), rows.slice(4)].map((part) => ({
      data: Float32Array.from(part.flatMap((row) => [...row])),
      rows: part.length,
    }));
    const found = similaritiesOf(queries, blocks, 7);
    for (const [at, query] of queries.entries()) {
      for (const [row, vector] of rows.entries()) {
        const expected = vector.reduce((sum, value, index) => sum + value * query[index]!, 0);
        assert.ok(Math.abs(found[at]![row]! - expected) < 1e-6);
      }
    }
  });
});
