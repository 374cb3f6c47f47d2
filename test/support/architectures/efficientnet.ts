import { GraphBuilder, type Value } from "../../../src/onnx/index.js";
import type { Architecture } from "./architecture.type.js";
import { type SeededWeights, seededWeights } from "./seeded-weights.js";

export interface EfficientnetSizes {
  /** Channels of the stem; 32 in B0. */
  readonly width: number;
  /** [kernel, channels, blocks, stride, expansion] a stage. */
  readonly stages: readonly (readonly [number, number, number, number, number])[];
  readonly side: number;
}

const b0: EfficientnetSizes = {
  width: 32,
  stages: [
    [3, 16, 1, 1, 1],
    [3, 24, 2, 2, 6],
    [5, 40, 2, 2, 6],
    [3, 80, 3, 2, 6],
    [5, 112, 3, 1, 6],
    [5, 192, 4, 2, 6],
    [3, 320, 1, 1, 6],
  ],
  side: 224,
};

/**
 * EfficientNet-B0 (Tan and Le 2019): inverted bottlenecks with squeeze and excitation; SiLU as Sigmoid · Mul, batch
 * normalisation folded, as opset 17 exports of inference models have it.
 */
export function efficientnet({ width, stages, side }: EfficientnetSizes = b0): Architecture {
  const g = new GraphBuilder({ name: "efficientnet", opset: 17 });
  const weights = seededWeights(g, 7);
  const image = g.input("image", "float32", ["batch", 3, side, side]);
  let x = silu(g, convolution(g, weights, "stem", image, [width, 3, 3, 3], 2));
  const ends: string[] = [];
  for (const [stage, [kernel, channels, blocks, stride, expansion]] of stages.entries()) {
    for (let block = 0; block < blocks; block++) {
      const name = `blocks.${stage}.${block}`;
      x = inverted(g, weights, name, x, { kernel, channels, stride: block === 0 ? stride : 1, expansion });
    }
    ends.push(x.name);
  }
  const channels = Number(x.type.shape[1]);
  const last = silu(g, convolution(g, weights, "head", x, [4 * channels, channels, 1, 1], 1), "features");
  g.output(last);
  return {
    graph: g.graph(),
    image: [3, side, side],
    features: [{ value: "features", pooling: "average" }],
    cuts: ["image", ends.at(-3) ?? "image", ends.at(-2) ?? "image"],
  };
}

interface Block {
  readonly kernel: number;
  readonly channels: number;
  readonly stride: number;
  readonly expansion: number;
}

function inverted(g: GraphBuilder, weights: SeededWeights, name: string, x: Value, block: Block): Value {
  const { kernel, channels, stride, expansion } = block;
  const before = Number(x.type.shape[1]);
  const inner = before * expansion;
  const wide = expansion === 1 ? x : silu(g, convolution(g, weights, `${name}.expand`, x, [inner, before, 1, 1], 1));
  const deep = silu(g, convolution(g, weights, `${name}.depthwise`, wide, [inner, 1, kernel, kernel], stride, inner));
  const squeezed = g.reduceMean(deep, [2, 3], true);
  const reduced = Math.max(1, Math.floor(before / 4));
  const low = silu(g, convolution(g, weights, `${name}.se.reduce`, squeezed, [reduced, inner, 1, 1], 1));
  const gate = g.sigmoid(convolution(g, weights, `${name}.se.expand`, low, [inner, reduced, 1, 1], 1));
  const same = before === channels && stride === 1;
  const project = convolution(
    g,
    weights,
    `${name}.project`,
    g.mul(deep, gate),
    [channels, inner, 1, 1],
    1,
    1,
    !same && name,
  );
  return same ? g.add(project, x, name) : project;
}

function convolution(
  g: GraphBuilder,
  weights: SeededWeights,
  name: string,
  x: Value,
  shape: readonly number[],
  stride: number,
  group = 1,
  value: string | false = false,
): Value {
  const pad = Math.floor((shape[2] ?? 1) / 2);
  return g.conv(x, weights.matrix(`${name}.weight`, shape), weights.vector(`${name}.bias`, [shape[0] ?? 1]), {
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group,
    name: value || `${name}/Conv`,
  });
}

function silu(g: GraphBuilder, x: Value, name?: string): Value {
  return g.mul(x, g.sigmoid(x), name);
}
