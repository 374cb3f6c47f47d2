import { GraphBuilder, type Value } from "../../../src/onnx/index.js";
import type { Architecture } from "./architecture.type.js";
import { type SeededWeights, seededWeights } from "./seeded-weights.js";

export interface ConvnextSizes {
  /** Channels a stage; [96, 192, 384, 768] in ConvNeXt-Tiny. */
  readonly widths: readonly number[];
  /** Blocks a stage; [3, 3, 9, 3]. */
  readonly depths: readonly number[];
  readonly side: number;
}

const tiny: ConvnextSizes = { widths: [96, 192, 384, 768], depths: [3, 3, 9, 3], side: 224 };

/**
 * ConvNeXt-Tiny (Liu et al. 2022) as PyTorch exports it with opset 16: depthwise 7 × 7, layer normalisation written out
 * over the channels, GELU by Erf, layer scale.
 */
export function convnext({ widths, depths, side }: ConvnextSizes = tiny): Architecture {
  const g = new GraphBuilder({ name: "convnext", opset: 16 });
  const weights = seededWeights(g, 16);
  const image = g.input("image", "float32", ["batch", 3, side, side]);
  const width = widths[0] ?? 96;
  const stem = g.conv(image, weights.matrix("stem.weight", [width, 3, 4, 4]), weights.vector("stem.bias", [width]), {
    strides: [4, 4],
  });
  let x = channelNorm(g, weights, "stem.norm", stem);
  const ends: string[] = [];
  for (const [stage, depth] of depths.entries()) {
    const channels = widths[stage] ?? 96;
    if (stage > 0) {
      const before = Number(x.type.shape[1]);
      const normal = channelNorm(g, weights, `stages.${stage}.downsample.norm`, x);
      const filters = weights.matrix(`stages.${stage}.downsample.weight`, [channels, before, 2, 2]);
      x = g.conv(normal, filters, weights.vector(`stages.${stage}.downsample.bias`, [channels]), { strides: [2, 2] });
    }
    for (let block = 0; block < depth; block++) x = residual(g, weights, `stages.${stage}.${block}`, x);
    ends.push(x.name);
  }
  g.output(x);
  return {
    graph: g.graph(),
    image: [3, side, side],
    features: [{ value: x.name, pooling: "average" }],
    cuts: ["image", ends.at(-3) ?? "image", ends.at(-2) ?? "image"],
  };
}

function residual(g: GraphBuilder, weights: SeededWeights, name: string, x: Value): Value {
  const width = Number(x.type.shape[1]);
  const filters = weights.matrix(`${name}.dwconv.weight`, [width, 1, 7, 7]);
  const deep = g.conv(x, filters, weights.vector(`${name}.dwconv.bias`, [width]), { pads: [3, 3, 3, 3], group: width });
  const last = g.transpose(deep, [0, 2, 3, 1]);
  const scale = weights.vector(`${name}.norm.weight`, [width], 1);
  const normal = g.layerNormalization(last, scale, weights.vector(`${name}.norm.bias`, [width]), -1, 1e-6);
  const up = g.matMul(normal, weights.matrix(`${name}.pwconv1.weight`, [width, 4 * width], 2, 1));
  const active = g.gelu(g.add(weights.vector(`${name}.pwconv1.bias`, [4 * width]), up));
  const down = g.matMul(active, weights.matrix(`${name}.pwconv2.weight`, [4 * width, width], 2, 1));
  const scaled = g.mul(
    weights.vector(`${name}.gamma`, [width], 0.5),
    g.add(weights.vector(`${name}.pwconv2.bias`, [width]), down),
  );
  return g.add(x, g.transpose(scaled, [0, 3, 1, 2]), name);
}

/** The channels-first form, which PyTorch writes as plain arithmetic. */
function channelNorm(g: GraphBuilder, weights: SeededWeights, name: string, x: Value): Value {
  const width = Number(x.type.shape[1]);
  const centred = g.sub(x, g.reduceMean(x, [1]));
  const variance = g.reduceMean(g.pow(centred, 2), [1]);
  const normal = g.div(centred, g.sqrt(g.add(variance, 1e-6)));
  const scaled = g.mul(weights.vector(`${name}.weight`, [width, 1, 1], 1), normal);
  return g.add(scaled, weights.vector(`${name}.bias`, [width, 1, 1]));
}
