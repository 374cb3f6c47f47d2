import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createScoreScale, MARKED_SHARES, plainScale, toKnots } from "../../src/vectors/score-scale.js";

/** Distances of a model whose random pairs lie evenly between 0.2 and 1. */
const even = MARKED_SHARES.map((share) => 0.2 + 0.8 * share);

describe("the scale of scores", () => {
  it("gives a fifth for each tenth of the random pairs, down to one in 10,000, and 1 for the same picture", () => {
    const { toScore } = createScoreScale(toKnots(even, 500_000));
    for (const [share, score] of [
      [1, 0],
      [0.1, 0.2],
      [0.01, 0.4],
      [0.001, 0.6],
      [0.0001, 0.8],
    ] as const) {
      assert.ok(Math.abs(toScore(0.2 + 0.8 * share) - score) < 1e-9, `${share}`);
    }
    assert.equal(toScore(0), 1);
    assert.equal(toScore(1.7), 0);
  });

  it("falls with distance everywhere, and back again", () => {
    for (const scale of [createScoreScale(toKnots(even, 500_000)), plainScale]) {
      let above = 1.1;
      for (let distance = 0; distance <= 1; distance += 0.001) {
        const score = scale.toScore(distance);
        assert.ok(score < above && score >= 0 && score <= 1, `${distance}`);
        assert.ok(Math.abs(scale.toDistance(score) - distance) < 1e-9, `${distance}`);
        above = score;
      }
      assert.equal(scale.toDistance(0), 2);
      assert.equal(scale.toDistance(1), 0);
    }
  });

  it("leaves out what too few pairs say, and what is the same picture", () => {
    assert.equal(toKnots(even, 435).at(-1)!.score < 0.6, true);
    const copies = MARKED_SHARES.map((share) => (share < 0.02 ? 0 : share < 0.2 ? 0.3 : share));
    const knots = toKnots(copies, 500_000);
    assert.ok(knots.every(({ distance }, at) => distance > 0 && (at === 0 || distance < knots[at - 1]!.distance)));
    assert.equal(createScoreScale(knots).toScore(0), 1);
  });

  it("is plain until the distances are known", () => {
    for (const distance of [0, 0.3, 1, 2])
      assert.ok(Math.abs(plainScale.toScore(distance) - (1 - distance / 2)) < 1e-12);
  });
});
