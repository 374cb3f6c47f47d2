import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPlateau } from "../../src/learning/guards/plateau.js";
import { afterDivergence, afterStep, freshGuards, spreadOf } from "../../src/learning/guards/step-guards.js";

describe("guards of a step", () => {
  it("leaves out a step that was no number, goes back after three in a row, and gives up in the end", () => {
    let state = freshGuards;
    const verdicts: string[] = [];
    for (let round = 0; round < 12; round++) {
      const decision = afterDivergence(state);
      verdicts.push(decision.verdict);
      ({ state } = decision);
    }
    const round = ["slower", "slower", "restore"];
    assert.deepEqual(verdicts, [...round, ...round, ...round, "slower", "slower", "give-up"]);
    assert.ok(state.rateShare < 1e-3);
  });

  it("forgets a divergence after a step that went well", () => {
    const { state } = afterDivergence(freshGuards);
    const after = afterStep(state, 0.8);
    assert.equal(after.verdict, "go-on");
    assert.equal(after.state.divergences, 0);
    assert.equal(after.state.rateShare, 0.5);
  });

  it("goes back when all photos look the same for several steps, not for one", () => {
    let state = freshGuards;
    const verdicts = [0.5, 0.001, 0.5, 0.001, 0.001, 0.001, 0.001].map((spread) => {
      const decision = afterStep(state, spread);
      ({ state } = decision);
      return decision.verdict;
    });
    assert.deepEqual(verdicts, ["go-on", "go-on", "go-on", "go-on", "go-on", "go-on", "restore"]);
    assert.ok(state.rateShare < 1);
  });

  it("measures the mean cosine distance of all pairs", () => {
    const half = Math.SQRT1_2;
    // 0°, 90°, 45°: distances 1, 1 − √½, 1 − √½.
    const spread = spreadOf(Float32Array.of(1, 0, 0, 1, half, half), 2);
    assert.ok(Math.abs(spread - (1 + 2 * (1 - half)) / 3) < 1e-6);
    assert.ok(Math.abs(spreadOf(Float32Array.of(1, 0, 1, 0, 1, 0), 2)) < 1e-6);
  });
});

describe("plateau", () => {
  it("is reached when the last epochs brought nothing over the best before them", () => {
    assert.equal(isPlateau([0.5, 0.6, 0.7], 3), false, "too few epochs to say");
    assert.equal(isPlateau([0.7, 0.69, 0.7, 0.7004], 3), true);
    assert.equal(isPlateau([0.7, 0.6, 0.6, 0.71], 3), false);
  });
});
