import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PhaseRun } from "../../src/learning/phases/phase.type.js";
import { runPhase } from "../../src/learning/phases/run-phase.js";
import { openHeadWarmUp } from "../../src/learning/phases/warm-up-head.js";
import { materialOf } from "../../src/learning/plan/material.js";
import { recipeOf } from "../../src/learning/recipes/recipes.js";
import { TrainingDiverged } from "../../src/training/index.js";
import { drawnSnapshot, keepingListener } from "../support/learning-drawn.js";

const WIDTH = 12;

/** Training of a head on made-up features; `spoil` changes what the step of a number is fed with. */
async function phaseWith(spoil: (rows: Float32Array, call: number) => void, given: Partial<PhaseRun> = {}) {
  const material = materialOf(drawnSnapshot());
  const recipe = recipeOf("head", {
    parts: { features: [{ value: "map", pooling: "none" }], lateCut: undefined, middleCut: undefined, input: "pixels" },
    photos: material.train.length,
    labels: material.labels,
    overrides: { steps: 24, dims: 8, dropout: 0, hidden: [16], labelsPerBatch: 4, photosPerLabel: 4 },
  });
  const count = material.train.length;
  const data = Float32Array.from({ length: count * WIDTH }, (_, at) => {
    const label = material.trainLabels[Math.floor(at / WIDTH)]!;
    return Math.sin(at * 12.9898) + (at % WIDTH === label ? 2 : 0);
  });
  const phase = recipe.headPhase!;
  const warm = await openHeadWarmUp({
    recipe: { ...recipe, head: { ...recipe.head, standardise: false } },
    phase,
    material,
    features: { data, count, dims: WIDTH },
    seed: 1,
    threads: 1,
  });
  const { told, listener } = keepingListener();
  let calls = 0;
  const run: PhaseRun = {
    stage: "head",
    ...warm,
    source: {
      async batch(places, views) {
        const values = await warm.source.batch(places, views);
        spoil(Object.values(values)[0]!, calls++);
        return values;
      },
    },
    places: Int32Array.from(material.train.keys()),
    steps: phase.steps,
    schedule: {},
    learningRate: 1e-3,
    epochs: 4,
    epochsBefore: 0,
    listener,
    signal: new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
    endOfEpoch: async () => ({}),
    save: async () => {},
    ...given,
  };
  return { told, run, close: warm.close };
}

const fine = { recallAt1: 0.5, precisionAt1: 0.5, recallAt10: 0.5, meanAveragePrecision: 0.5, mapAtR: 0.5 };

describe("guards at work", () => {
  it("leave out a step that is no number and go on at half the rate", async () => {
    const { told, run, close } = await phaseWith((rows, call) => call === 5 && rows.fill(Number.NaN));
    const { position } = await runPhase(run);
    await close();
    assert.deepEqual(
      told.guards.map(({ guard, step }) => [guard, step]),
      [["not-a-number", 5]],
    );
    assert.match(told.guards[0]!.action, /left out, on at 50 % of the planned rate/);
    assert.equal(position.step, 24);
    assert.ok(told.epochs.every(({ loss }) => Number.isFinite(loss)));
  });

  it("end the phase in the middle of an epoch when the time is up, with what was learned", async () => {
    const { told, run, close } = await phaseWith(() => {}, {
      deadline: 0,
      endOfEpoch: async () => ({ validation: fine }),
    });
    const { best, position } = await runPhase(run);
    await close();
    assert.equal(position.step, 1);
    assert.equal(told.epochs.length, 1);
    assert.ok(best.length > 0);
  });

  it("go back to the last good weights, and end the phase with the best when nothing helps", async () => {
    const rotten = (rows: Float32Array, call: number) => void (call >= 14 && rows.fill(Number.NaN));
    const { told, run, close } = await phaseWith(rotten, { endOfEpoch: async () => ({ validation: fine }) });
    const { best, position } = await runPhase(run);
    await close();
    assert.ok(told.guards.some(({ action }) => /back to the last good weights/.test(action)));
    assert.match(told.guards.at(-1)!.action, /ends with the best weights so far/);
    assert.ok(best.every(Number.isFinite));
    assert.deepEqual(position.best, fine);
  });

  it("throw what went wrong when there are no good weights to end with", async () => {
    const { told, run, close } = await phaseWith((rows) => rows.fill(Number.NaN));
    await assert.rejects(runPhase(run), TrainingDiverged);
    await close();
    assert.ok(told.guards.length > 3);
  });

  it("notice when all photos come to look the same", async () => {
    const same = (rows: Float32Array, call: number) => void (call >= 6 && call < 12 && rows.fill(1));
    const { told, run, close } = await phaseWith(same);
    const { position } = await runPhase(run);
    await close();
    assert.ok(told.guards.some(({ guard, action }) => guard === "collapse" && /last good weights/.test(action)));
    assert.equal(position.step, 24);
    assert.ok(position.guards.rateShare < 1);
  });

  it("end a phase that learns nothing more", async () => {
    const { told, run, close } = await phaseWith(() => {}, {
      epochs: 8,
      endOfEpoch: async () => ({ validation: fine }),
    });
    const { position } = await runPhase(run);
    await close();
    assert.deepEqual(
      told.guards.map(({ guard }) => guard),
      ["plateau"],
    );
    assert.equal(position.epochs, 5);
  });

  it("draw again after a batch of one label, and give up when there are only such", async () => {
    const { told, run, close } = await phaseWith(() => {});
    const { sampler } = run;
    let drawn = 0;
    const poor = (from: number, to: number): PhaseRun["sampler"] => ({
      ...sampler,
      next() {
        const batch = sampler.next();
        drawn += 1;
        return drawn > from && drawn <= to ? { ...batch, labels: batch.labels.map(() => 0) } : batch;
      },
    });
    const { position } = await runPhase({ ...run, sampler: poor(3, 6) });
    assert.deepEqual(
      told.guards.map(({ guard }) => guard),
      ["single-label-batch"],
    );
    assert.equal(position.step, 24);
    drawn = 0;
    await assert.rejects(runPhase({ ...run, sampler: poor(0, 1000) }), { code: "BATCH_UNUSABLE" });
    await close();
  });
});
