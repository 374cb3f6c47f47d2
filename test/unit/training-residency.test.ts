import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GraphBuilder } from "../../src/onnx/index.js";
import { createTrainer, MemoryTooSmall, planBatch, type TrainerOptions } from "../../src/training/index.js";
import { copiesOf, estimateResidency } from "../../src/training/residency.js";
import { resnet } from "../support/architectures/index.js";

const arena = 1.25;
const runtime = 60 * 2 ** 20;

describe("what a step holds", () => {
  it("is the most that lives at one time, by hand", () => {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", [10, 100]); // 4,000 bytes, fed
    const w = g.input("w", "float32", [100, 50]); // 20,000 bytes, trained
    const a = g.matMul(x, w); // 2,000
    const b = g.relu(a); // 2,000: a and b live
    const c = g.concat([b, b, b], 1); // 6,000: b and c live
    const view = g.reshape(c, [1500]); // the memory of c
    g.output(g.reduceSum(g.exp(view), undefined, false), "loss"); // exp 6,000: c and exp live
    const residency = estimateResidency(g.graph(), new Set(["w"]), 2);
    assert.equal(residency.weights, 20_000 * (1 + 1 + 2));
    assert.equal(residency.fed, 4_000);
    assert.equal(residency.constants, 3 * 8);
    assert.equal(residency.model, runtime);
    assert.equal(residency.activations, 12_000 * arena + 2 * 20_000);
    assert.equal(residency.total, 80_000 + 4_000 + 24 + 55_000 + runtime);
  });

  it("counts what the optimiser remembers", () => {
    assert.deepEqual(
      [copiesOf({ name: "sgd" }, false), copiesOf({ name: "adamw" }, false), copiesOf({ name: "adamw" }, true)],
      [1, 2, 3],
    );
  });
});

describe("planning a batch", () => {
  const architecture = resnet({ width: 4, depths: [1, 1, 1], side: 32 });
  const recipe = (changes: Partial<TrainerOptions> = {}): TrainerOptions => ({
    encoder: architecture,
    cut: "image",
    head: { features: architecture.features, layers: { kind: "linear", dims: 4 } },
    loss: { name: "multi-similarity" },
    optimiser: { name: "adamw" },
    learningRate: 1e-3,
    batch: 32,
    threads: 1,
    ...changes,
  });
  const totalAt = async (batch: number) =>
    (await planBatch({ ...recipe({ batch }), memoryBudget: 2 ** 40 })).residency.total;

  it("keeps the batch that fits, shrinks one that does not, and to whole labels", async () => {
    const [at12, at13] = [await totalAt(12), await totalAt(13)];
    assert.ok(at12 < at13);
    assert.equal((await planBatch({ ...recipe(), memoryBudget: 2 ** 40 })).batch, 32);
    assert.equal((await planBatch({ ...recipe(), memoryBudget: at13 - 1 })).batch, 12);
    assert.equal((await planBatch({ ...recipe(), memoryBudget: at13 - 1 }, 4)).batch, 12);
    assert.equal((await planBatch({ ...recipe(), memoryBudget: at12 - 1 }, 4)).batch, 8);
    assert.equal((await planBatch({ ...recipe({ cut: "layer2.0" }), memoryBudget: at13 - 1 })).batch, 32);
  });

  it("says what would fit", async () => {
    const memoryBudget = (await totalAt(13)) - 1;
    await assert.rejects(createTrainer(recipe({ memoryBudget })), (error) => {
      assert.ok(error instanceof MemoryTooSmall);
      assert.equal(error.fits, 12);
      assert.match(error.message, /A batch of 12 would fit/);
      return true;
    });
    await assert.rejects(planBatch({ ...recipe(), memoryBudget: 1000 }), /No batch fits: cut later/);
  });
});
