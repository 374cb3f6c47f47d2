import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCheckpoint, writeCheckpoint } from "../../src/learning/checkpoint.js";
import { CheckpointMismatch, NotEnoughData, RecipeUnfit } from "../../src/learning/learning.errors.js";
import { meanDistances } from "../../src/learning/phases/encode.js";
import { validate } from "../../src/learning/phases/validation.js";
import { budgetLeft } from "../../src/learning/plan/budget-left.js";
import { everyNth } from "../../src/learning/plan/every-nth.js";
import { estimate, fitBudget } from "../../src/learning/plan/fit-budget.js";
import { type LearningMaterial, materialOf } from "../../src/learning/plan/material.js";
import { readOverrides } from "../../src/learning/recipes/overrides.js";
import { recipeOf } from "../../src/learning/recipes/recipes.js";
import type { Snapshot, SnapshotPhoto, SnapshotSplit } from "../../src/learning/snapshot/snapshot.type.js";

const parts = {
  features: [{ value: "map", pooling: "average" }],
  lateCut: "late",
  middleCut: "middle",
  input: "pixels",
} as const;

function photo(number: number, split: SnapshotSplit, labels: readonly number[]): SnapshotPhoto {
  const id = String(number);
  return { imageId: id, productId: `${number >> 1}`, blobId: id, contentHash: id, split, labels, duplicateGroup: -1 };
}

function snapshotOf(photos: readonly SnapshotPhoto[], kinds: Snapshot["positives"]): Snapshot {
  return { format: 1, seed: 1, positives: kinds, labelNames: kinds.map(() => []), photos, leftOut: {} };
}

const category = [{ kind: "category", weight: 1 }] as const;

function clothing(): LearningMaterial {
  const train = Array.from({ length: 3000 }, (_, at) => photo(at, "train", [at % 10]));
  const validation = Array.from({ length: 300 }, (_, at) => photo(3000 + at, "validation", [at % 10]));
  return materialOf(snapshotOf([...train, ...validation], category));
}

describe("material", () => {
  it("takes labelled training photos, and makes every photo a label of its own for augmentation", () => {
    const photos = Array.from({ length: 12 }, (_, at) =>
      photo(at, at < 10 ? "train" : "validation", [at % 3 === 0 ? -1 : at % 2, -1]),
    );
    const material = materialOf(snapshotOf(photos, [...category, { kind: "augmentation", weight: 0.5 }]));
    assert.equal(material.train.length, 10);
    assert.deepEqual([...material.rules[1]!.labels], [...Array(10).keys()]);
    assert.equal(material.labels, 2);
    assert.deepEqual([...material.products], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    assert.deepEqual([...material.validation], [10, 11]);
  });

  it("refuses too few photos or labels and says how many are missing", () => {
    const few = [photo(0, "train", [0]), photo(1, "train", [1])];
    assert.throws(
      () => materialOf(snapshotOf(few, category)),
      (error) => {
        assert.ok(error instanceof NotEnoughData);
        assert.equal(error.code, "NOT_ENOUGH_DATA");
        assert.match(error.message, /6 more are needed/);
        return true;
      },
    );
    const oneLabel = Array.from({ length: 20 }, (_, at) => photo(at, "train", [0]));
    assert.throws(() => materialOf(snapshotOf(oneLabel, category)), /1 more such labels/);
    const none = Array.from({ length: 20 }, (_, at) => photo(at, "train", [-1]));
    assert.throws(() => materialOf(snapshotOf(none, category)), NotEnoughData);
  });
});

describe("fitting a recipe into a budget", () => {
  const material = clothing();
  const recipe = recipeOf("last-blocks", { parts, photos: 3000, labels: 10, overrides: {} });
  const pace = { view: 0.005, step: 1, embedding: 0.0015 };

  it("takes all steps where there is time, fewer where there is less, none where nothing fits", () => {
    const steps = (seconds: number) => fitBudget(recipe, material, pace, false, seconds)?.trunkPhase?.steps;
    assert.equal(steps(3600), recipe.trunkPhase?.steps);
    const middle = steps(400) ?? 0;
    assert.ok(middle > 0 && middle < (recipe.trunkPhase?.steps ?? 0));
    assert.equal(steps(30), undefined);
  });

  it("stays within the budget by its own estimate", () => {
    for (const seconds of [200, 300, 500, 900]) {
      const fitting = fitBudget(recipe, material, pace, false, seconds);
      if (fitting) assert.ok(estimate(fitting, material, pace, false).total <= seconds);
    }
  });

  it("counts decoding in every step where nothing is cached", () => {
    assert.ok(estimate(recipe, material, pace, true).last > estimate(recipe, material, pace, false).last);
  });
});

describe("recipes", () => {
  it("show many labels with few photos each where labels are many", () => {
    const few = recipeOf("last-blocks", { parts, photos: 3000, labels: 10, overrides: {} }).trunkPhase;
    assert.deepEqual([few?.labelsPerBatch, few?.photosPerLabel], [10, 12]);
    const many = recipeOf("last-blocks", { parts, photos: 3000, labels: 81, overrides: {} }).trunkPhase;
    assert.deepEqual([many?.labelsPerBatch, many?.photosPerLabel], [32, 4]);
  });

  it("make room in a head's batches for negatives of the whole catalog, and leave the last blocks to their own", () => {
    const of = (name: "head" | "last-blocks" | "seed") =>
      recipeOf(name, { parts, photos: 3000, labels: 10, overrides: {} });
    const head = of("head");
    assert.deepEqual(
      [head.mining?.policy, head.mining?.injectPositives, head.mining?.injectNegatives],
      ["semi-hard", 0, 1],
    );
    assert.deepEqual([head.headPhase?.labelsPerBatch, head.headPhase?.photosPerLabel], [10, 6]);
    assert.equal(of("last-blocks").mining, undefined);
    const seed = of("seed");
    assert.deepEqual(
      [seed.mining?.policy, seed.mining?.injectPositives, seed.trunkPhase?.photosPerLabel],
      ["hard-positives", 1, 12],
    );
    const without = recipeOf("head", { parts, photos: 3000, labels: 10, overrides: { mining: false } });
    assert.deepEqual([without.mining, without.headPhase?.photosPerLabel], [undefined, 12]);
  });

  it("refuse an encoder that cannot be cut, and overrides that nobody knows", () => {
    const uncut = { ...parts, lateCut: undefined };
    assert.throws(
      () => recipeOf("last-blocks", { parts: uncut, photos: 3000, labels: 10, overrides: {} }),
      (error) => error instanceof RecipeUnfit && /names no cut/.test(error.message),
    );
    assert.throws(() => readOverrides({ stepz: 3 }), RecipeUnfit);
    assert.throws(() => readOverrides({ steps: -1 }), /steps/);
  });
});

describe("checkpoints", () => {
  const trainer = {
    format: 1,
    steps: 3,
    parameters: [{ name: "head/0/weight", shape: [2, 2] }],
    weights: Float32Array.of(1, 2, 3, 4),
    average: Float32Array.of(4, 3, 2, 1),
    optimiser: { name: "adamw", steps: { head: 3, trunk: 0 }, arrays: { first: new Float32Array(4) } },
    statistics: null,
  } as const;

  it("come back as they were written", () => {
    const best = Float32Array.of(9, 8);
    const bytes = writeCheckpoint({ identity: "run", run: { phase: "last" }, trainer, best });
    const read = readCheckpoint(bytes, "run");
    assert.deepEqual(read.run, { phase: "last" });
    assert.deepEqual(read.trainer.weights, trainer.weights);
    assert.deepEqual(read.best, best);
  });

  it("are refused for another run, cut short, or damaged", () => {
    const bytes = writeCheckpoint({ identity: "run", run: {}, trainer, best: undefined });
    assert.throws(() => readCheckpoint(bytes, "other"), CheckpointMismatch);
    assert.throws(() => readCheckpoint(bytes.subarray(0, bytes.length - 3), "run"), CheckpointMismatch);
    assert.throws(() => readCheckpoint(new Uint8Array(2), "run"), CheckpointMismatch);
    assert.throws(() => readCheckpoint(new Uint8Array(100), "run"), CheckpointMismatch);
  });
});

describe("figures within a run", () => {
  const vectors = (rows: number[][]) => ({ data: Float32Array.from(rows.flat()), count: rows.length, dims: 2 });

  it("ranks queries against the gallery by hand-made vectors", async () => {
    const gallery = {
      vectors: vectors([
        [1, 0],
        [0, 1],
        [0.6, 0.8],
      ]),
      labels: Int32Array.of(0, 1, 0),
    };
    const queries = {
      vectors: vectors([
        [1, 0],
        [0, 1],
        [1, 0],
      ]),
      labels: Int32Array.of(0, 0, 5),
    };
    const figures = await validate(queries, gallery);
    // First query: ranks 1 and 2. Second: 2 and 3. The third has no label in the gallery.
    assert.equal(figures?.precisionAt1, 0.5);
    assert.ok(Math.abs((figures?.meanAveragePrecision ?? 0) - (1 + (1 / 2 + 2 / 3) / 2) / 2) < 1e-9);
    assert.equal(await validate({ ...queries, labels: Int32Array.of(7, 7, 7) }, gallery), undefined);
  });

  it("means of distances agree with looking at every pair", () => {
    const rows = [
      [1, 0],
      [0, 1],
      [0.6, 0.8],
      [-1, 0],
    ];
    const labels = Int32Array.of(0, 0, 1, 1);
    const sums = { positive: 0, negative: 0 };
    for (const [i, a] of rows.entries()) {
      for (const [j, b] of rows.entries()) {
        if (i === j) continue;
        const distance = 1 - (a[0]! * b[0]! + a[1]! * b[1]!);
        sums[labels[i] === labels[j] ? "positive" : "negative"] += distance;
      }
    }
    const means = meanDistances(vectors(rows), labels);
    assert.ok(Math.abs((means.meanPositiveDistance ?? 0) - sums.positive / 4) < 1e-6);
    assert.ok(Math.abs((means.meanNegativeDistance ?? 0) - sums.negative / 8) < 1e-6);
  });

  it("samples evenly", () => {
    assert.deepEqual([...everyNth(Int32Array.of(0, 1, 2, 3, 4, 5), 3)], [0, 2, 4]);
    assert.equal(everyNth(Int32Array.of(1, 2), 3).length, 2);
  });
});

describe("the budget of a run that goes on", () => {
  it("is what is left, and never less than a tenth", () => {
    assert.equal(budgetLeft(10, 0), 600);
    assert.equal(budgetLeft(10, 240), 360);
    assert.equal(budgetLeft(10, 590), 60);
    assert.equal(budgetLeft(10, 6_000), 60);
  });
});
