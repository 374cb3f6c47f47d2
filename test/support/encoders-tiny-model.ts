import { type Dimension, float32Tensor, GraphBuilder, type Model, modelOf } from "../../src/onnx/index.js";

export interface TinyModel {
  readonly side?: Dimension;
  readonly batch?: Dimension;
  readonly dims?: number;
  readonly input?: string;
  readonly output?: string;
  /** The same vector for every picture: one of noughts, or one of ones. */
  readonly blind?: "zeros" | "ones";
}

/** An encoder of one layer: every pixel of a picture times a fixed random matrix. 393 kB of weights at 16 pixels. */
export function tinyModel({
  side = 16,
  batch = "batch",
  dims = 128,
  input = "pixel_values",
  output = "image_embeds",
  blind,
}: TinyModel = {}): Model {
  const builder = new GraphBuilder();
  const pixels = builder.input(input, "float32", [batch, 3, side, side]);
  const known = typeof side === "number";
  const flat = builder.flatten(known ? pixels : builder.globalAveragePool(pixels));
  const rows = known ? 3 * side * side : 3;
  let seed = 1;
  const weights = Float32Array.from({ length: rows * dims }, () => {
    seed = (seed * 48271) % 2147483647;
    return blind ? 0 : seed / 2147483647 - 0.5;
  });
  const vectors = builder.matMul(flat, builder.initialiser("weights", float32Tensor([rows, dims], weights)));
  builder.output(blind === "ones" ? builder.add(vectors, 1) : vectors, output);
  return modelOf(builder.graph());
}
