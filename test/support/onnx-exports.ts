import {
  attribute,
  float32Tensor,
  type Graph,
  GraphBuilder,
  int64List,
  tensorFromNumbers,
  type Value,
} from "../../src/onnx/index.js";

/** Small graphs with the turns of phrase of real exports, seeded weights, and the batch open. */
export const tinyExports: Readonly<Record<string, (opset: number) => Graph>> = {
  "MobileNetV3-like: BatchNormalization, squeeze and excite, Shape → Gather → Concat → Reshape": mobileNet,
  "ViT-like: class token expanded to the batch by Shape, Where and Expand; attention over batch · heads":
    visionTransformer,
  "ConvNeXt-like: layer norm between transposes, GELU, weights as fp16 behind Cast": convNext,
};

function mobileNet(opset: number): Graph {
  const g = new GraphBuilder({ name: "mobile", opset });
  const image = g.input("image", "float32", ["batch", 3, 16, 16]);
  const stem = g.conv(image, weight(g, "stem", 8, 3, 3, 3), undefined, { strides: [2, 2], pads: [1, 1, 1, 1] });
  const normal = g.node("BatchNormalization", [
    stem,
    weight(g, "gamma", 8),
    weight(g, "beta", 8),
    weight(g, "mean", 8),
    g.initialiser("variance", float32Tensor([8], [1, 2, 3, 4, 5, 6, 7, 8])),
  ]);
  const [features] = g.nodes("Dropout", [g.node("HardSwish", [normal])]) as [Value];
  const squeezed = g.relu(g.conv(g.globalAveragePool(features), weight(g, "reduce", 2, 8, 1, 1)));
  const excited = g.hardSigmoid(g.conv(squeezed, weight(g, "expand", 8, 2, 1, 1)), 1 / 6, 0.5);
  const pooled = g.globalAveragePool(g.mul(features, excited));
  const batch = g.unsqueeze(g.gather(shapeOf(g, pooled), scalar(g, 0)), [0]);
  const flat = g.node("Reshape", [pooled, g.concat([batch, g.int64s([-1])], 0)]);
  g.output(g.gemm(flat, weight(g, "head", 4, 8), weight(g, "bias", 4), { transB: true }), "embedding");
  return g.graph();
}

function visionTransformer(opset: number): Graph {
  const [width, heads, depth] = [8, 2, 4];
  const g = new GraphBuilder({ name: "vit", opset });
  const image = g.input("image", "float32", ["batch", 3, 16, 16]);
  const patches = g.conv(image, weight(g, "patch", width, 3, 8, 8), weight(g, "patch.bias", width), {
    strides: [8, 8],
  });
  const batch = g.gather(shapeOf(g, image), scalar(g, 0));
  const batchList = g.unsqueeze(batch, [0]);
  const sizes = shapeOf(g, patches);
  const kept = g.slice(sizes, [0], [2], [0]);
  const rows = g.node("Reshape", [patches, g.concat([kept, g.int64s([-1])], 0)]);
  const tokens = g.transpose(rows, [0, 2, 1]);
  // torch writes cls.expand(batch, -1, -1) like this.
  const wanted = g.concat([batchList, g.int64s([-1]), g.int64s([-1])], 0);
  const ones = g.node("ConstantOfShape", [g.int64s([3])], { value: attribute.tensor(int64List([1])) });
  const shape = g.where(g.equal(wanted, g.mul(ones, g.int64s([-1]))), ones, wanted);
  const classToken = g.node("Expand", [weight(g, "cls", 1, 1, width), shape]);
  const all = g.add(g.concat([classToken, tokens], 1), weight(g, "position", 1, 5, width));
  const x = g.layerNormalization(all, weight(g, "norm", width), weight(g, "norm.bias", width));
  // CLIP folds the heads into the batch: [batch · heads, tokens, depth], the product computed from the shape.
  const groups = g.unsqueeze(g.mul(batch, scalar(g, heads)), [0]);
  const split = (name: string) => {
    const projected = g.matMul(x, weight(g, name, width, width));
    const apart = g.reshape(projected, [0, 5, heads, depth]);
    const folded = g.concat([groups, g.int64s([-1]), g.int64s([depth])], 0);
    return g.node("Reshape", [g.transpose(apart, [0, 2, 1, 3]), folded]);
  };
  const scores = g.mul(g.matMul(split("query"), g.transpose(split("key"), [0, 2, 1])), depth ** -0.5);
  const mixed = g.matMul(g.softmax(scores), split("value"));
  const back = g.node("Reshape", [mixed, g.concat([batchList, g.int64s([heads, 5, depth])], 0)]);
  const joined = g.reshape(g.transpose(back, [0, 2, 1, 3]), [0, 0, width]);
  const hidden = g.add(x, g.matMul(joined, weight(g, "out", width, width)));
  g.output(g.gather(hidden, scalar(g, 0), 1), "embedding");
  return g.graph();
}

function convNext(opset: number): Graph {
  const g = new GraphBuilder({ name: "convnext", opset });
  const image = g.input("image", "float32", ["batch", 3, 16, 16]);
  const stem = g.conv(image, half(g, "stem", 6, 3, 4, 4), undefined, { strides: [4, 4] });
  const depthwise = g.conv(stem, half(g, "depthwise", 6, 1, 3, 3), undefined, { pads: [1, 1, 1, 1], group: 6 });
  const last = g.transpose(depthwise, [0, 2, 3, 1]);
  const normal = g.layerNormalization(last, half(g, "norm", 6), half(g, "norm.bias", 6));
  const wide = g.gelu(g.matMul(normal, g.transpose(half(g, "up", 12, 6), [1, 0])));
  const narrow = g.transpose(g.mul(g.matMul(wide, half(g, "down", 12, 6)), half(g, "layer scale", 6)), [0, 3, 1, 2]);
  const pooled = g.reduceMean(g.identity(g.add(stem, narrow)), [-2, -1], false);
  g.output(pooled, "embedding");
  return g.graph();
}

function shapeOf(g: GraphBuilder, x: Value): Value {
  return g.node("Shape", [x]);
}

function scalar(g: GraphBuilder, value: number): Value {
  return g.scalar(value, "int64");
}

function weight(g: GraphBuilder, name: string, ...shape: number[]): Value {
  const length = shape.reduce((product, size) => product * size, 1);
  const seed = name.length;
  return g.initialiser(
    name,
    float32Tensor(
      shape,
      Float32Array.from({ length }, (_, index) => Math.sin(index * 1.3 + seed) / 2),
    ),
  );
}

function half(g: GraphBuilder, name: string, ...shape: number[]): Value {
  const full = new GraphBuilder();
  const numbers = full.knownValue(weight(full, name, ...shape));
  if (numbers === undefined) throw new Error("a weight is a constant");
  const values = new Float32Array(numbers.data.buffer);
  return g.cast(g.initialiser(name, tensorFromNumbers("float16", shape, [...values])), "float32");
}
