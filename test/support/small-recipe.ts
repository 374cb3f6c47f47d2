import type { Graph } from "../../src/onnx/index.js";
import type { TrainerOptions } from "../../src/training/index.js";

/** A training of everything in an encoder of "image" and "features" that takes milliseconds a step. */
export const smallRecipe = (graph: Graph): TrainerOptions => ({
  encoder: { graph },
  cut: "image",
  head: { features: [{ value: "features", pooling: "average" }], layers: { kind: "linear", dims: 2 } },
  loss: { name: "triplet", selection: "batch-all", margin: 0.2 },
  optimiser: { name: "sgd" },
  learningRate: 0.1,
  batch: 4,
  threads: 1,
});
