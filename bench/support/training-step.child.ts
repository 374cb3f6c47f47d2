import { elementCount } from "../../src/onnx/index.js";
import { createTrainer } from "../../src/training/index.js";
import { trainingCases } from "./training-cases.js";

/*
 * node training-step.child.js CASE REPEAT plain|lowered: times one case in a process of its own, so that its peak
 * memory is its own, and prints {"times","peakRssMb"} on one line.
 */

const [name, repeat = "7", form = "lowered"] = process.argv.slice(2);
const chosen = trainingCases.find((one) => one.name === name);
if (chosen === undefined) throw new Error(`there is no case "${name}"`);
const { batch } = chosen;
const trainer = await createTrainer({
  ...(await chosen.encoder()),
  loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
  optimiser: { name: "adamw" },
  learningRate: 1e-4,
  batch,
  ...(form === "plain" && { lower: (graph) => graph }),
});
let state = 1;
const noise = (length: number) =>
  Float32Array.from({ length }, () => {
    state = (state * 48271) % 0x7fffffff;
    return (state / 0x7fffffff - 0.5) * 2;
  });
const boundary = Object.fromEntries(
  trainer.boundary.map(({ name: value, type }) => [value, noise(elementCount(type.shape.map(Number)))]),
);
const labels = Int32Array.from({ length: batch }, (_, at) => at % Math.max(2, batch / 4));
const times: number[] = [];
// The first step lays out memory and is no sample.
for (let step = 0; step <= Number(repeat); step++) {
  const start = performance.now();
  await trainer.step({ boundary }, labels);
  if (step > 0) times.push(performance.now() - start);
}
await trainer.dispose();
process.stdout.write(`${JSON.stringify({ times, peakRssMb: process.resourceUsage().maxRSS / 1024 })}\n`);
