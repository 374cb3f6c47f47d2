import { Tensor as RuntimeTensor } from "onnxruntime-node";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { attribute, elementCount, type Graph, GraphBuilder, type Value } from "../../src/onnx/index.js";

type Sample = () => readonly [Graph, Readonly<Record<string, RuntimeTensor>>];

/** A graph of inputs of the given shapes, fed with seeded numbers in ±1. */
const sample =
  (shapes: Readonly<Record<string, readonly number[]>>, build: (g: GraphBuilder, inputs: Value[]) => Value[]): Sample =>
  () => {
    const random = xoroshiro128plus(7);
    const g = new GraphBuilder();
    const inputs = Object.entries(shapes).map(([name, shape]) => g.input(name, "float32", shape));
    for (const [index, output] of build(g, inputs).entries()) g.output(output, `y${index}`);
    const feeds = Object.entries(shapes).map(([name, shape]) => [
      name,
      new RuntimeTensor(
        "float32",
        Float32Array.from({ length: elementCount(shape) }, () => 2 * uniformFloat64(random) - 1),
        [...shape],
      ),
    ]);
    return [g.graph(), Object.fromEntries(feeds)];
  };

const convolution = (
  x: readonly number[],
  w: readonly number[],
  settings: Parameters<GraphBuilder["conv"]>[3],
): Sample =>
  sample({ x, w, b: [w[0] ?? 1] }, (g, [image, filters, bias]) => [
    g.conv(image as Value, filters as Value, bias, settings),
  ]);

/** Everything that the provider computes wrongly or refuses unless the graph is rewritten; each by its rewrite. */
export const formSamples: Readonly<Record<string, Sample>> = {
  "channels by three, filters by four": convolution([2, 6, 5, 5], [8, 6, 3, 3], { pads: [1, 1, 1, 1] }),
  "channels by three, strided": convolution([2, 9, 6, 6], [4, 9, 1, 1], { strides: [2, 2] }),
  "six filters in each of two groups": convolution([2, 6, 5, 5], [12, 3, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
  "thirteen filters in each of six groups": convolution([1, 12, 4, 4], [78, 2, 2, 2], { group: 6, strides: [2, 1] }),
  "two filters a channel, backwards": sample({ dy: [2, 8, 3, 3], w: [8, 1, 3, 3] }, (g, inputs) => [
    g.node("ConvTranspose", inputs, {
      group: attribute.int(4),
      kernel_shape: attribute.ints([3, 3]),
      strides: attribute.ints([2, 2]),
      pads: attribute.ints([1, 1, 1, 1]),
      output_padding: attribute.ints([1, 1]),
    }),
  ]),
  "filters as large as the image, padded behind it": convolution([2, 3, 4, 4], [5, 3, 4, 4], { pads: [0, 0, 1, 1] }),
  "filters of one place, padded behind the image": convolution([2, 3, 4, 2], [5, 3, 1, 1], { pads: [0, 0, 0, 1] }),
  "channels by three, filters by four as large as the image, padded behind it": convolution(
    [2, 6, 4, 4],
    [8, 6, 4, 4],
    { pads: [0, 0, 1, 1] },
  ),
  "even filters with SAME_UPPER": convolution([2, 3, 2, 2], [5, 3, 2, 2], { autoPad: "SAME_UPPER" }),
  "slices backwards, from the middle": sample({ x: [2, 5, 6, 7] }, (g, [x]) => [
    g.slice(x as Value, [3], [-6], [1], [-1]),
    g.slice(x as Value, [4, 1, -2], [1, 6, -9], [2, 1, -1], [-1, 2, -3]),
  ]),
  "a split into sixteen": sample({ x: [3, 32] }, (g, [x]) => g.split(x as Value, new Array(16).fill(2), -1)),
};
