import type { GraphBuilder, Value } from "../../onnx/index.js";
import { TrainingUnfit } from "../training.errors.js";
import type { FeatureSpecification, HeadSpecification } from "./head.type.js";

/** Keeps the length of a zero vector away from zero, where it has no slope. */
const LEAST_SQUARE = 1e-12;

/** Name under which a frozen feature is fed: "conv_1:average". */
export function featureName({ value, pooling }: FeatureSpecification): string {
  return `${value}:${pooling}`;
}

/**
 * One vector a photo, `[batch, channels]`.
 * @throws TrainingUnfit  when the value does not have the shape that its pooling needs
 */
export function poolFeature(g: GraphBuilder, value: Value, specification: FeatureSpecification, name?: string): Value {
  const { pooling, channelsLast = false } = specification;
  const rank = value.type.shape.length;
  const requireRank = (expected: number, form: string) => {
    if (rank === expected) return;
    throw new TrainingUnfit(
      `The feature "${specification.value}" is [${value.type.shape.join(", ")}]; pooling "${pooling}" needs ${form}. ` +
        "Choose another pooling or another value.",
    );
  };
  switch (pooling) {
    case "average":
    case "max":
      requireRank(4, "a feature map of four axes");
      if (channelsLast) {
        return pooling === "average"
          ? g.reduceMean(value, [1, 2], false, name)
          : g.reduceMax(value, [1, 2], false, name);
      }
      return g.flatten(pooling === "average" ? g.globalAveragePool(value) : g.globalMaxPool(value), 1, name);
    case "cls":
      requireRank(3, "tokens of three axes");
      return g.pick(value, 0, 1, name);
    case "mean-tokens":
      requireRank(3, "tokens of three axes");
      return g.reduceMean(value, [1], false, name);
    case "none":
      requireRank(2, "vectors of two axes");
      return value;
  }
}

/** x / ‖x‖ along the last axis. */
export function unitLength(g: GraphBuilder, x: Value, name?: string): Value {
  const square = g.reduceSum(g.mul(x, x), [-1]);
  return g.div(x, g.sqrt(g.add(square, LEAST_SQUARE)), name);
}

/** Pooled features side by side, each of unit length where there are several. */
export function joinFeatures(g: GraphBuilder, pooled: readonly Value[]): Value {
  const [first] = pooled;
  if (first === undefined) throw new TrainingUnfit("The head has no features. Name at least one value of the encoder.");
  if (pooled.length === 1) return first;
  return g.concat(
    pooled.map((feature) => unitLength(g, feature)),
    1,
    "head/joined",
  );
}

/** @throws TrainingUnfit  for a head that no graph can be made of */
export function checkHead({ features, dropout = 0, layers }: HeadSpecification): void {
  const names = features.map(featureName);
  const refuse = (reason: string): never => {
    throw new TrainingUnfit(`The head cannot be built: ${reason}.`);
  };
  if (names.length === 0) refuse("it has no features; name at least one value of the encoder");
  if (new Set(names).size < names.length) refuse("a feature is named twice; leave one out");
  if (!(dropout >= 0 && dropout < 1)) refuse(`a dropout of ${dropout} is not a share from 0 to below 1`);
  const widths = layers.kind === "none" ? [] : [...(layers.kind === "mlp" ? layers.hidden : []), layers.dims];
  for (const width of widths) {
    if (!Number.isInteger(width) || width < 1) refuse(`a width of ${width} is not a whole number of 1 or more`);
  }
}
