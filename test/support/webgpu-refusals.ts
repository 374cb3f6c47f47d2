import { attribute, GraphBuilder, type Value } from "../../src/onnx/index.js";
import { createTrainer, type TrainerOptions } from "../../src/training/index.js";
import { seededWeights } from "./architectures/seeded-weights.js";

/** Images of three axes, 3 × 4 × 4 × 4, whose way back takes a transposed convolution that the provider has not. */
function volumes() {
  const g = new GraphBuilder({ name: "volumes", opset: 18 });
  const weights = seededWeights(g, 5);
  const layer = (name: string, x: Value, shape: readonly number[]) => g.conv(x, weights.matrix(name, shape), undefined);
  const first = layer("first", g.input("image", "float32", ["batch", 3, 4, 4, 4]), [4, 3, 2, 2, 2]);
  g.output(g.flatten(g.relu(layer("second", first, [4, 4, 2, 2, 2]))), "features");
  return { graph: g.graph(), image: [3, 4, 4, 4] };
}

/** A frozen part that makes images smaller as the provider cannot. */
function smaller() {
  const g = new GraphBuilder({ name: "smaller", opset: 18 });
  const weights = seededWeights(g, 5);
  const image = g.input("image", "float32", ["batch", 3, 8, 8]);
  const small = g.node(
    "Resize",
    [image, undefined, g.floats([4], [1, 1, 0.5, 0.5])],
    { mode: attribute.text("linear"), antialias: attribute.int(1) },
    "small",
  );
  g.output(g.flatten(g.relu(g.conv(small, weights.matrix("filters", [4, 3, 2, 2])))), "features");
  return { graph: g.graph(), image: [3, 8, 8] };
}

const creates =
  (encoder: TrainerOptions["encoder"], cut: string, optimiserIn: "host" | "graph") => async (): Promise<object> => {
    const trainer = await createTrainer({
      encoder,
      cut,
      head: { features: [{ value: "features", pooling: "none" }], layers: { kind: "linear", dims: 4 } },
      loss: { name: "multi-similarity" },
      optimiser: { name: "sgd" },
      learningRate: 0.1,
      batch: 4,
      device: "webgpu",
      optimiserIn,
    });
    await trainer.dispose();
    return {};
  };

/** Trainers that must be refused when they are created, with no step taken. */
export const refusedTrainings: readonly (readonly [string, () => Promise<object>])[] = [
  ["step, optimiser on the host", creates(volumes(), "image", "host")],
  ["step, optimiser in the graph", creates(volumes(), "image", "graph")],
  ["frozen part", creates(smaller(), "small", "graph")],
];
