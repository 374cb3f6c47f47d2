import type { GraphBuilder, Value } from "../../onnx/index.js";
import type { DistanceName, LossBuilder, LossInputs } from "./loss.type.js";
import { distanceOf, FAR, maskedMean, type Pairs, pairsOf, shareOf } from "./pairs.js";

/** Which triplets of a batch count. */
export type TripletSelection = "batch-all" | "batch-hard" | "semi-hard" | "easy-positive";

export interface TripletSettings {
  readonly selection: TripletSelection;
  readonly distance: DistanceName;
  /** A number: hinge, max(0, d(a,p) − d(a,n) + margin). "soft": ln(1 + e^(d(a,p) − d(a,n))). */
  readonly margin: number | "soft";
}

/** The penalty of "positive further away than negative by `gap`". */
function penalty(gap: Value, margin: TripletSettings["margin"], g: GraphBuilder): Value {
  return margin === "soft" ? g.softplus(gap) : g.relu(g.add(gap, margin));
}

/** Terms that still count: a hinge above zero, a soft margin above the ln 2 of a collapsed batch's tie. */
function stillActive(terms: Value, mask: Value, margin: TripletSettings["margin"], g: GraphBuilder): Value {
  return g.mul(g.cast(g.greater(terms, margin === "soft" ? Math.LN2 : 0), "float32"), mask);
}

/** Largest of a row among `mask`, `[batch, 1]`; −FAR where the row has none. */
function largest(values: Value, mask: Value, g: GraphBuilder): Value {
  return g.reduceMax(g.where(g.greater(mask, 0), values, -FAR), [-1]);
}

function smallest(values: Value, mask: Value, g: GraphBuilder): Value {
  return g.reduceMin(g.where(g.greater(mask, 0), values, FAR), [-1]);
}

/** 1 for rows that have a positive and a negative, `[batch, 1]`. */
function complete({ positive, negative }: Pairs, g: GraphBuilder): Value {
  return g.mul(g.reduceMax(positive, [1]), g.reduceMax(negative, [1]));
}

/**
 * Triplet losses over a batch: batch-all and batch-hard (Hermans et al. 2017), semi-hard (Schroff et al. 2015), easy
 * positive with the hardest negative (Xuan et al. 2020).
 */
export function tripletLoss({ selection, distance, margin }: TripletSettings): LossBuilder {
  return (inputs: LossInputs, g: GraphBuilder) => {
    const pairs = pairsOf(inputs, g);
    const distances = distanceOf(pairs.similarity, distance, g);
    const oneEach = (positive: Value, negative: Value) => {
      const usable = complete(pairs, g);
      const terms = penalty(g.sub(positive, negative), margin, g);
      return { loss: maskedMean(terms, usable, g), active: shareOf(stillActive(terms, usable, margin, g), usable, g) };
    };
    switch (selection) {
      case "batch-hard":
        return oneEach(largest(distances, pairs.positive, g), smallest(distances, pairs.negative, g));
      case "easy-positive":
        return oneEach(smallest(distances, pairs.positive, g), smallest(distances, pairs.negative, g));
      case "semi-hard":
        return semiHard(pairs, distances, margin, g);
      case "batch-all":
        return batchAll(pairs, distances, margin, g);
    }
  };
}

/** Every triplet (a, p, n); a hinge is averaged over those above zero, so that solved ones do not thin it out. */
function batchAll(pairs: Pairs, distances: Value, margin: TripletSettings["margin"], g: GraphBuilder) {
  const { batch, candidates } = pairs;
  const asPositive = (value: Value) => g.reshape(value, [batch, candidates, 1]);
  const asNegative = (value: Value) => g.reshape(value, [batch, 1, candidates]);
  const terms = penalty(g.sub(asPositive(distances), asNegative(distances)), margin, g);
  const triplets = g.mul(asPositive(pairs.positive), asNegative(pairs.negative));
  const active = stillActive(terms, triplets, margin, g);
  return { loss: maskedMean(terms, margin === "soft" ? triplets : active, g), active: shareOf(active, triplets, g) };
}

/** For every (a, p) the nearest negative that is further away than p; where there is none, the furthest negative. */
function semiHard(pairs: Pairs, distances: Value, margin: TripletSettings["margin"], g: GraphBuilder) {
  const { batch, candidates } = pairs;
  const positives = g.reshape(distances, [batch, candidates, 1]);
  const negatives = g.reshape(distances, [batch, 1, candidates]);
  const isNegative = g.reshape(g.greater(pairs.negative, 0), [batch, 1, candidates]);
  const beyond = g.and(isNegative, g.greater(negatives, positives));
  const nearest = g.reshape(g.reduceMin(g.where(beyond, negatives, FAR), [2]), [batch, candidates]);
  const furthest = largest(distances, pairs.negative, g);
  const chosen = g.where(g.less(nearest, FAR), nearest, furthest);
  const terms = penalty(g.sub(distances, chosen), margin, g);
  const usable = g.mul(pairs.positive, g.reduceMax(pairs.negative, [1]));
  return { loss: maskedMean(terms, usable, g), active: shareOf(stillActive(terms, usable, margin, g), usable, g) };
}
