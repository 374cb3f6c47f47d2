import { attribute, GraphBuilder, int64List, type Value } from "../../../src/onnx/index.js";
import type { Architecture } from "./architecture.type.js";
import { type SeededWeights, seededWeights } from "./seeded-weights.js";

export interface TransformerSizes {
  readonly width: number;
  readonly heads: number;
  readonly depth: number;
  /** Side of a patch. */
  readonly patch: number;
  readonly side: number;
}

const small: TransformerSizes = { width: 384, heads: 6, depth: 12, patch: 16, side: 224 };

/**
 * ViT-S/16 (Dosovitskiy et al. 2021) as DINOv2 is exported: class token expanded to the batch by shape arithmetic,
 * position embedding, layer normalisation before attention and MLP, exact GELU, LayerScale.
 */
export function visionTransformer(sizes: TransformerSizes = small): Architecture {
  const g = new GraphBuilder({ name: "vit", opset: 17 });
  const weights = seededWeights(g, 14);
  const { x: tokens, image } = embedPatches(g, weights, sizes);
  let x = tokens;
  for (let index = 0; index < sizes.depth; index++) {
    const name = `encoder.layer.${index}`;
    const attended = attention(g, weights, `${name}.attention`, norm(g, weights, `${name}.norm1`, x), sizes);
    x = g.add(g.mul(attended, weights.vector(`${name}.layer_scale1`, [sizes.width], 0.8)), x);
    const wide = linear(g, weights, `${name}.mlp.fc1`, norm(g, weights, `${name}.norm2`, x), 4 * sizes.width);
    const narrow = linear(g, weights, `${name}.mlp.fc2`, g.gelu(wide), sizes.width);
    x = g.add(g.mul(narrow, weights.vector(`${name}.layer_scale2`, [sizes.width], 0.8)), x, name);
  }
  g.output(norm(g, weights, "layernorm", x, "last_hidden_state"));
  return {
    graph: g.graph(),
    image,
    features: [{ value: "last_hidden_state", pooling: "cls" }],
    cuts: ["pixel_values", `encoder.layer.${Math.max(0, sizes.depth - 3)}`, `encoder.layer.${sizes.depth - 2}`],
  };
}

/**
 * The vision tower of CLIP (Radford et al. 2021): no bias at the patches, normalisation before the blocks, QuickGELU
 * x · σ(1.702 x), heads folded into the batch, a projection without bias.
 */
export function clipTower(sizes: TransformerSizes): Architecture {
  const g = new GraphBuilder({ name: "clip", opset: 14 });
  const weights = seededWeights(g, 32);
  const { x: tokens, image } = embedPatches(g, weights, sizes, false);
  let x = norm(g, weights, "pre_layrnorm", tokens);
  for (let index = 0; index < sizes.depth; index++) {
    const name = `encoder.layers.${index}`;
    const attended = attention(
      g,
      weights,
      `${name}.self_attn`,
      norm(g, weights, `${name}.layer_norm1`, x),
      sizes,
      true,
    );
    x = g.add(x, attended);
    const wide = linear(g, weights, `${name}.mlp.fc1`, norm(g, weights, `${name}.layer_norm2`, x), 4 * sizes.width);
    const quick = g.mul(wide, g.sigmoid(g.mul(wide, 1.702)));
    x = g.add(x, linear(g, weights, `${name}.mlp.fc2`, quick, sizes.width), name);
  }
  const pooled = norm(g, weights, "post_layernorm", g.pick(x, 0, 1));
  const projection = weights.matrix("visual_projection.weight", [sizes.width, sizes.width], 1);
  g.output(g.matMul(pooled, g.transpose(projection, [1, 0]), "image_embeds"));
  return {
    graph: g.graph(),
    image,
    features: [{ value: "image_embeds", pooling: "none" }],
    cuts: ["pixel_values", `encoder.layers.${Math.max(0, sizes.depth - 3)}`, `encoder.layers.${sizes.depth - 2}`],
  };
}

function embedPatches(g: GraphBuilder, weights: SeededWeights, { width, patch, side }: TransformerSizes, bias = true) {
  const image = g.input("pixel_values", "float32", ["batch", 3, side, side]);
  const filters = weights.matrix("patch_embedding.weight", [width, 3, patch, patch], 1);
  const patches = g.conv(image, filters, bias ? weights.vector("patch_embedding.bias", [width]) : undefined, {
    strides: [patch, patch],
  });
  const batch = g.unsqueeze(g.gather(shapeOf(g, image), scalar(g, 0)), [0]);
  const kept = g.slice(shapeOf(g, patches), [0], [2], [0]);
  const rows = g.transpose(g.node("Reshape", [patches, g.concat([kept, g.int64s([-1])], 0)]), [0, 2, 1]);
  // PyTorch writes cls.expand(batch, -1, -1) like this.
  const wanted = g.concat([batch, g.int64s([-1]), g.int64s([-1])], 0);
  const ones = g.node("ConstantOfShape", [g.int64s([3])], { value: attribute.tensor(int64List([1])) });
  const sizes = g.where(g.equal(wanted, g.mul(ones, g.int64s([-1]))), ones, wanted);
  const token = g.node("Expand", [weights.vector("cls_token", [1, 1, width], 0, 0.5), sizes]);
  const tokens = (side / patch) ** 2 + 1;
  const positions = weights.vector("position_embeddings", [1, tokens, width], 0, 0.5);
  return { x: g.add(g.concat([token, rows], 1), positions, "embeddings"), image: [3, side, side] };
}

function attention(
  g: GraphBuilder,
  weights: SeededWeights,
  name: string,
  x: Value,
  { width, heads }: TransformerSizes,
  folded = false,
): Value {
  const depth = width / heads;
  const tokens = Number(x.type.shape[1]);
  const batch = g.gather(shapeOf(g, x), scalar(g, 0));
  const split = (part: string) => {
    const apart = g.transpose(
      g.reshape(linear(g, weights, `${name}.${part}`, x, width), [0, 0, heads, depth]),
      [0, 2, 1, 3],
    );
    if (!folded) return apart;
    const groups = g.unsqueeze(g.mul(batch, scalar(g, heads)), [0]);
    return g.node("Reshape", [apart, g.concat([groups, g.int64s([-1]), g.int64s([depth])], 0)]);
  };
  const [query, key, value] = [split("query"), split("key"), split("value")];
  const keys = g.transpose(key, folded ? [0, 2, 1] : [0, 1, 3, 2]);
  const scores = g.softmax(g.mul(g.matMul(query, keys), depth ** -0.5));
  const mixed = g.matMul(scores, value);
  const apart = folded
    ? g.node("Reshape", [mixed, g.concat([g.unsqueeze(batch, [0]), g.int64s([heads, tokens, depth])], 0)])
    : mixed;
  return linear(g, weights, `${name}.output`, g.reshape(g.transpose(apart, [0, 2, 1, 3]), [0, 0, width]), width);
}

function linear(g: GraphBuilder, weights: SeededWeights, name: string, x: Value, outputs: number): Value {
  const inputs = Number(x.type.shape.at(-1));
  const product = g.matMul(x, weights.matrix(`${name}.weight`, [inputs, outputs], 1, 1));
  return g.add(weights.vector(`${name}.bias`, [outputs]), product);
}

function norm(g: GraphBuilder, weights: SeededWeights, name: string, x: Value, value?: string): Value {
  const width = Number(x.type.shape.at(-1));
  const scale = weights.vector(`${name}.weight`, [width], 1);
  return g.layerNormalization(x, scale, weights.vector(`${name}.bias`, [width]), -1, 1e-5, value);
}

function shapeOf(g: GraphBuilder, x: Value): Value {
  return g.node("Shape", [x]);
}

function scalar(g: GraphBuilder, value: number): Value {
  return g.scalar(value, "int64");
}
