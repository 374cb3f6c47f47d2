import { createTrainer, type Device } from "../../../src/training/index.js";
import { smallArchitectures } from "./index.js";
import { seededPictures } from "./whole-gradient.js";

/**
 * Trains a few steps and prints losses and lengths of gradients as one line of JSON. A process of its own: a WebGPU
 * device that is not there may end it.
 *   node steps.child.js ARCHITECTURE DEVICE STEPS
 */
const [name = "", device = "cpu", steps = "3"] = process.argv.slice(2);
const architecture = smallArchitectures[name]?.();
if (architecture === undefined) throw new Error(`no architecture "${name}"`);
const labels = [0, 0, 1, 1, 2, 2];
const trainer = await createTrainer({
  encoder: architecture,
  cut: architecture.cuts[1] ?? "",
  head: { features: architecture.features, layers: { kind: "linear", dims: 8 } },
  loss: { name: "multi-similarity" },
  optimiser: { name: "sgd" },
  learningRate: 0.05,
  batch: labels.length,
  device: device as Device,
  seed: 2,
});
const images = seededPictures(architecture.image, labels, 9);
const results: number[][] = [];
for (let step = 0; step < Number(steps); step++) {
  const { loss, gradientNorm } = await trainer.step({ images }, labels);
  results.push([loss, gradientNorm]);
}
results.push([...(await trainer.embed({ images }))]);
// From a saved state, weights go to the device again.
const saved = await trainer.state();
results.push([(await trainer.step({ images }, labels)).loss]);
await trainer.restore(saved);
results.push([(await trainer.step({ images }, labels)).loss]);
await trainer.dispose();
process.stdout.write(`${JSON.stringify(results)}\n`);
