import { GraphBuilder, type Value } from "../../../src/onnx/index.js";
import type { Architecture } from "./architecture.type.js";
import { type SeededWeights, seededWeights } from "./seeded-weights.js";

export interface ResnetSizes {
  /** Width of the first stage; 64 in ResNet-50. */
  readonly width: number;
  /** Bottlenecks a stage; [3, 4, 6, 3] in ResNet-50. */
  readonly depths: readonly number[];
  readonly side: number;
}

/** ResNet-50 (He et al. 2016) as torchvision exports it with opset 13, its BatchNormalization left apart. */
export function resnet(
  { width, depths, side }: ResnetSizes = { width: 64, depths: [3, 4, 6, 3], side: 224 },
): Architecture {
  const g = new GraphBuilder({ name: "resnet", opset: 13 });
  const weights = seededWeights(g, 50);
  const image = g.input("image", "float32", ["batch", 3, side, side]);
  const stem = g.relu(normalised(g, weights, "stem", image, [width, 3, 7, 7], { strides: [2, 2], pads: [3, 3, 3, 3] }));
  let x = g.maxPool(stem, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], name: "pooled" });
  for (const [stage, depth] of depths.entries()) {
    for (let block = 0; block < depth; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      x = bottleneck(g, weights, `layer${stage + 1}.${block}`, x, width * 2 ** stage, stride);
    }
  }
  g.output(x);
  const last = depths.length;
  return {
    graph: g.graph(),
    image: [3, side, side],
    features: [{ value: x.name, pooling: "average" }],
    cuts: ["image", `layer${last - 2}.${(depths.at(-3) ?? 1) - 1}`, `layer${last - 1}.${(depths.at(-2) ?? 1) - 1}`],
  };
}

function bottleneck(g: GraphBuilder, weights: SeededWeights, name: string, x: Value, width: number, stride: number) {
  const channels = Number(x.type.shape[1]);
  const narrow = g.relu(normalised(g, weights, `${name}.conv1`, x, [width, channels, 1, 1]));
  const settings = { strides: [stride, stride], pads: [1, 1, 1, 1] };
  const middle = g.relu(normalised(g, weights, `${name}.conv2`, narrow, [width, width, 3, 3], settings));
  const wide = normalised(g, weights, `${name}.conv3`, middle, [4 * width, width, 1, 1]);
  const reshaped = channels !== 4 * width || stride !== 1;
  const shortcut = reshaped
    ? normalised(g, weights, `${name}.downsample`, x, [4 * width, channels, 1, 1], { strides: [stride, stride] })
    : x;
  return g.relu(g.add(wide, shortcut), name);
}

function normalised(
  g: GraphBuilder,
  weights: SeededWeights,
  name: string,
  x: Value,
  shape: readonly number[],
  settings: Parameters<GraphBuilder["conv"]>[3] = {},
): Value {
  const channels = shape[0] ?? 1;
  return g.node("BatchNormalization", [
    g.conv(x, weights.matrix(`${name}.weight`, shape), undefined, { ...settings, name: `${name}/Conv` }),
    weights.vector(`${name}.bn.weight`, [channels], 0.8),
    weights.vector(`${name}.bn.bias`, [channels]),
    weights.vector(`${name}.bn.running_mean`, [channels]),
    weights.vector(`${name}.bn.running_var`, [channels], 1, 0.3),
  ]);
}
