import { GraphBuilder } from "../../../src/onnx/index.js";
import type { Architecture } from "./architecture.type.js";
import { seededWeights } from "./seeded-weights.js";

/** A convolution with stride, one inverted residual block (ReLU6, depthwise), and a last convolution, after MobileNetV2. */
export function tinyMobilenet(): Architecture {
  const g = new GraphBuilder({ name: "tiny-mobilenet", opset: 17 });
  const weights = seededWeights(g, 13);
  const image = g.input("image", "float32", ["batch", 3, 16, 16]);
  const layer = (name: string, x: typeof image, shape: readonly number[], group = 1, stride = 1) => {
    const pad = (shape[2] ?? 1) >> 1;
    return g.conv(x, weights.matrix(`${name}.weight`, shape), weights.vector(`${name}.bias`, [shape[0] ?? 1]), {
      group,
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      name,
    });
  };
  const stem = g.clip(layer("stem", image, [6, 3, 3, 3], 1, 2), 0, 6);
  const wide = g.clip(layer("expand", stem, [12, 6, 1, 1]), 0, 6);
  const deep = g.clip(layer("depthwise", wide, [12, 1, 3, 3], 12), 0, 6);
  const block = g.add(layer("project", deep, [6, 12, 1, 1]), stem, "block");
  g.output(g.clip(layer("last", block, [16, 6, 3, 3], 1, 2), 0, 6, "features"));
  return {
    graph: g.graph(),
    image: [3, 16, 16],
    features: [{ value: "features", pooling: "average" }],
    cuts: ["image", "stem", "block"],
  };
}
