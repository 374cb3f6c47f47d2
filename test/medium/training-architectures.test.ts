import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gradientRules } from "../../src/autodiff/rules/index.js";
import { createTrainer } from "../../src/training/index.js";
import { smallArchitectures } from "../support/architectures/index.js";
import { seededPictures, wholeGradient } from "../support/architectures/whole-gradient.js";
import { tinyExports } from "../support/onnx-exports.js";

for (const [name, build] of Object.entries(smallArchitectures)) {
  describe(name, () => {
    const architecture = build();
    for (const cut of architecture.cuts) {
      it(`cut at ${cut}: the whole gradient agrees with central differences`, async () => {
        const { training, emitted, differences } = await wholeGradient(architecture, cut);
        assert.ok(training.trainables.some(({ group }) => group === "trunk"));
        const error = Math.abs(emitted - differences) / Math.abs(differences);
        assert.ok(error <= 1e-3, `${emitted} instead of ${differences}: ${error} off`);
      });
    }

    it("learns eight photos by heart", async () => {
      const labels = [0, 0, 1, 1, 2, 2, 3, 3];
      const trainer = await createTrainer({
        encoder: architecture,
        cut: architecture.cuts[1] ?? "",
        head: { features: architecture.features, layers: { kind: "linear", dims: 8 } },
        loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
        optimiser: { name: "adamw" },
        learningRate: 1e-2,
        batch: labels.length,
        threads: 1,
        seed: 2,
      });
      const boundary = await trainer.trunk(seededPictures(architecture.image, labels, 9));
      const losses: number[] = [];
      for (let step = 0; step < 150 && (losses.at(-1) ?? 1) > 0; step++) {
        losses.push((await trainer.step({ boundary }, labels)).loss);
      }
      await trainer.dispose();
      assert.ok((losses[0] ?? 0) > 0.05, `begins at ${losses[0]}`);
      assert.ok((losses.at(-1) ?? 1) < 0.01, `ends at ${losses.at(-1)} after ${losses.length} steps`);
    });
  });
}

describe("exports as they come: open batch, half-precision weights, batch normalisation apart", () => {
  for (const [name, build] of Object.entries(tinyExports)) {
    // HardSwish came with 14.
    for (const opset of [name.startsWith("MobileNetV3") ? 14 : 13, 17, 21]) {
      it(`${name}, opset ${opset}`, async () => {
        const features = [{ value: "embedding", pooling: "none" as const }];
        const architecture = { graph: build(opset), image: [3, 16, 16], features, cuts: [] };
        const { emitted, differences } = await wholeGradient(architecture, "image");
        const error = Math.abs(emitted - differences) / Math.abs(differences);
        assert.ok(error <= 1e-3, `${emitted} instead of ${differences}: ${error} off`);
      });
    }
  }
});

it("a wrong gradient rule is found by the whole gradient", async () => {
  const architecture = smallArchitectures["ViT-S/16"]?.();
  const softmax = gradientRules.Softmax;
  assert.ok(architecture && typeof softmax === "function");
  const wrong: typeof gradientRules = {
    ...gradientRules,
    // Forgets that the shares of a softmax sum to one.
    Softmax: (call, [dy], g) => [dy ? g.mul(call.output(), dy) : null],
  };
  const { emitted, differences } = await wholeGradient(architecture, architecture.cuts[1] ?? "", wrong);
  assert.ok(Math.abs(emitted - differences) / Math.abs(differences) > 1e-3);
});
