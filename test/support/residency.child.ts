import { elementCount } from "../../src/onnx/index.js";
import { createTrainer } from "../../src/training/index.js";
import { resnet } from "./architectures/index.js";

/**
 * Trains a few steps and prints {"estimate","grown"} in bytes. A process of its own, so that its peak is its own.
 *   node residency.child.js plain|lowered BATCH
 */
const [form = "lowered", size = "8"] = process.argv.slice(2);
const batch = Number(size);
const architecture = resnet({ width: 24, depths: [2, 2, 2, 1], side: 160 });
const before = process.memoryUsage.rss();
const trainer = await createTrainer({
  encoder: architecture,
  cut: "image",
  head: { features: architecture.features, layers: { kind: "linear", dims: 32 } },
  loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
  optimiser: { name: "adamw" },
  learningRate: 1e-4,
  batch,
  threads: 2,
  ...(form === "plain" && { lower: (graph) => graph }),
});
const images = new Float32Array(batch * elementCount(architecture.image)).map((_, index) => Math.sin(index * 1.3));
const labels = Int32Array.from({ length: batch }, (_, photo) => photo % 4);
for (let step = 0; step < 3; step++) await trainer.step({ images }, labels);
const grown = process.resourceUsage().maxRSS * 1024 - before;
process.stdout.write(JSON.stringify({ estimate: trainer.residency.total, grown }));
await trainer.dispose();
