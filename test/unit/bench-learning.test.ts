import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { measureAll } from "../../bench/support/learning-figures.js";
import { meansOfSeeds, suspectsOf } from "../../bench/support/learning-report.js";
import { disturbed, learningTask } from "../../bench/support/learning-task.js";
import type { Snapshot, SnapshotSplit } from "../../src/learning/snapshot/snapshot.type.js";

const splits: readonly SnapshotSplit[] = ["train", "train", "validation", "test"];
const whole: Snapshot = {
  format: 1,
  seed: 1,
  positives: [{ kind: "category", weight: 1 }],
  labelNames: [["bag", "boot", "hat"]],
  photos: Array.from({ length: 12 }, (_, index) => ({
    ...{ imageId: `${index}`, productId: `${index}`, blobId: `${index}`, contentHash: `${index}.png` },
    split: splits[index % 4]!,
    labels: [Math.floor(index / 4)],
    duplicateGroup: -1,
  })),
  leftOut: {},
};
/** Photos of one label look the same. */
const clean = whole.photos.map(({ labels: [label] }) =>
  Float32Array.from({ length: 3 }, (_, at) => Number(at === label)),
);

describe("the benchmark of learning", () => {
  it("asks held-out photos against the training photos", async () => {
    const measured = await measureAll(learningTask(whole), clean);
    assert.deepEqual(
      measured.map(({ asked, queries, figures }) => [asked, queries, figures.precisionAt1, figures.mapAtR]),
      [
        ["validation", 3, 1, 1],
        ["test", 3, 1, 1],
        ["held out", 6, 1, 1],
      ],
    );
  });

  it("learns from some labels and asks all photos of the others among themselves, without the one that asks", async () => {
    const task = learningTask(whole, ["hat", "boot"]);
    assert.deepEqual(task.snapshot.labelNames, [["boot", "hat"]]);
    assert.deepEqual(
      task.snapshot.photos.map(({ labels }) => labels[0]),
      [0, 0, 0, 0, 1, 1, 1, 1],
    );
    // One bag looks like a boot: it finds no bag among its three nearest, and each boot finds it first.
    const odd = [Float32Array.of(0, 1, 0), ...clean.slice(1)];
    const unseen = (await measureAll(learningTask(whole, ["hat"]), odd)).at(-1);
    assert.equal(unseen?.asked, "unseen labels");
    assert.equal(unseen?.queries, 8);
    assert.equal(unseen?.figures.mapAtR, Number(((3 + 4 * ((1 / 2 + 2 / 3) / 3)) / 8).toFixed(4)));
    assert.throws(() => learningTask(whole, ["sock"]), /label sock/);
  });

  it("replaces training labels only, and says which suspects are right", () => {
    const { photos, replacedLabels = {} } = disturbed(whole, 3, 0.5);
    const changed = photos.flatMap(({ labels }, place) =>
      labels[0] === whole.photos[place]!.labels[0] ? [] : [place],
    );
    assert.equal(changed.length, 3);
    assert.deepEqual(Object.keys(replacedLabels), changed.map(String));
    assert.ok(changed.every((place) => photos[place]!.split === "train"));
    const right = changed.slice(0, 1).map((photo) => ({ photo }));
    const figures = suspectsOf([...right, { photo: 2 }], replacedLabels);
    assert.deepEqual(figures, { suspects: 2, wrongLabels: 3, suspectPrecision: 0.5, suspectRecall: 0.333 });
  });

  it("takes the mean of the seeds, a row for each kind of question", () => {
    const row = { name: "head", vectors: "plain", asked: "test", queries: 5, recallAt10: 1, mapAtR: 0 } as const;
    const means = meansOfSeeds([
      { ...row, seed: 1, precisionAt1: 0.8, meanAveragePrecision: 0.5 },
      { ...row, seed: 2, precisionAt1: 0.9, meanAveragePrecision: 0.6 },
    ]);
    assert.deepEqual(means, [{ ...row, seeds: 2, precisionAt1: 0.85, meanAveragePrecision: 0.55 }]);
  });
});
