import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTrainer, type OptimiserSpecification, type TrainerOptions } from "../../src/training/index.js";
import { smallArchitectures } from "../support/architectures/index.js";
import { seededPictures } from "../support/architectures/whole-gradient.js";

const architecture = smallArchitectures["ViT-S/16"]?.();
assert.ok(architecture);
const labels = [0, 0, 1, 1, 2, 2];
const images = seededPictures(architecture.image, labels, 31);

const recipe = (optimiser: OptimiserSpecification, changes: Partial<TrainerOptions>): TrainerOptions => ({
  encoder: architecture,
  cut: architecture.cuts[1] ?? "",
  head: { features: architecture.features, layers: { kind: "mlp", hidden: [8], dims: 6 } },
  loss: { name: "multi-similarity" },
  optimiser,
  learningRate: { head: 0.02, trunk: 0.01 },
  schedule: { warmUpSteps: 2, totalSteps: 8 },
  clipNorm: 0.5,
  averaging: 0.9,
  batch: labels.length,
  threads: 1,
  ...changes,
});

const optimisers: OptimiserSpecification[] = [
  { name: "sgd", momentum: 0.5, weightDecay: 0.01 },
  // The bias of keys has no gradient but rounding, which a small epsilon would blow up into steps of full length.
  { name: "adamw", weightDecay: 0.1, epsilon: 1e-3 },
];

describe("the optimiser as part of the graph", () => {
  for (const optimiser of optimisers) {
    for (const [title, changes] of Object.entries({
      "all weights": {},
      "the trunk at rest": { learningRate: { head: 0.02, trunk: 0 } },
    })) {
      it(`${optimiser.name} moves as on the host: ${title}`, async () => {
        const [host, graph] = await Promise.all(
          (["host", "graph"] as const).map((optimiserIn) =>
            createTrainer(recipe(optimiser, { ...changes, optimiserIn })),
          ),
        );
        assert.ok(host && graph);
        for (let step = 0; step < 6; step++) {
          const [a, b] = [await host.step({ images }, labels), await graph.step({ images }, labels)];
          near([b.loss, b.gradientNorm], [a.loss, a.gradientNorm]);
        }
        const [a, b] = [await host.state(), await graph.state()];
        near(b.weights, a.weights);
        near(b.average ?? [], a.average ?? []);
        assert.deepEqual(b.optimiser.steps, a.optimiser.steps);
        for (const [name, array] of Object.entries(a.optimiser.arrays)) near(b.optimiser.arrays[name] ?? [], array);
        near(await graph.embed({ images }, "averaged"), await host.embed({ images }, "averaged"));
        await Promise.all([host.dispose(), graph.dispose()]);
      });
    }
  }

  it("goes on bit by bit where a saved state stands, also one of the host", async () => {
    const options = recipe({ name: "adamw" }, { optimiserIn: "graph" });
    const first = await createTrainer(options);
    for (let step = 0; step < 3; step++) await first.step({ images }, labels);
    const saved = await first.state();
    const second = await createTrainer(options);
    // Moves away first, so that what lies in the graph's own tensors must give way.
    await second.step({ images }, labels);
    await second.restore(saved);
    const host = await createTrainer({ ...options, optimiserIn: "host" });
    await host.restore(saved);
    for (let step = 0; step < 3; step++) {
      const { loss } = await first.step({ images }, labels);
      assert.equal((await second.step({ images }, labels)).loss, loss);
      near([(await host.step({ images }, labels)).loss], [loss]);
    }
    await Promise.all([first.dispose(), second.dispose(), host.dispose()]);
  });

  it("leaves the weights as they are when a step diverges", async () => {
    const trainer = await createTrainer(recipe({ name: "adamw" }, { optimiserIn: "graph" }));
    await trainer.step({ images }, labels);
    const before = await trainer.state();
    await assert.rejects(trainer.step({ images: images.map(() => Number.NaN) }, labels), { code: "TRAINING_DIVERGED" });
    assert.deepEqual(await trainer.state(), before);
    await trainer.dispose();
  });
});

function near(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  for (let index = 0; index < expected.length; index++) {
    const error = Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? Number.NaN));
    assert.ok(
      error <= 1e-4 * Math.max(1, Math.abs(expected[index] ?? 0)),
      `${actual[index]} instead of ${expected[index]} at ${index}`,
    );
  }
}
