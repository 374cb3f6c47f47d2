import { type GraphBuilder, int32Tensor, type Value } from "../../onnx/index.js";
import type { DistanceName, LossInputs } from "./loss.type.js";

/** All pairs of a batch with its candidates. Masks are float32, 1 or 0, `[batch, candidates]`. */
export interface Pairs {
  readonly similarity: Value;
  /** Same label, not the same photo, and the row is an anchor. */
  readonly positive: Value;
  /** Other label, not an empty slot, and the row is an anchor. */
  readonly negative: Value;
  readonly batch: number;
  readonly candidates: number;
}

/** Larger than any distance, and finite: infinity times zero is not a number. */
export const FAR = 1e4;
const LEAST_SQUARE = 1e-12;

/** Cosine similarity of every anchor with every candidate by one matrix product, and who is who. */
export function pairsOf({ embeddings, labels, anchors, memory }: LossInputs, g: GraphBuilder): Pairs {
  const batch = Number(embeddings.type.shape[0]);
  const slots = memory ? Number(memory.embeddings.type.shape[0]) : 0;
  const candidates = batch + slots;
  const others = memory ? g.concat([embeddings, memory.embeddings], 0) : embeddings;
  const otherLabels = memory ? g.concat([labels, memory.labels], 0) : labels;
  const similarity = g.matMul(embeddings, g.transpose(others, [1, 0]));
  const row = g.reshape(labels, [batch, 1]);
  const column = g.reshape(otherLabels, [1, candidates]);
  const same = g.cast(g.equal(row, column), "float32");
  const filled = g.cast(g.greaterOrEqual(column, g.constant(int32Tensor([], [0]))), "float32");
  const notItself = new Float32Array(batch * candidates).fill(1);
  for (let index = 0; index < batch; index++) notItself[index * candidates + index] = 0;
  const asAnchor = (mask: Value) => (anchors ? g.mul(mask, g.reshape(anchors, [batch, 1])) : mask);
  return {
    similarity,
    positive: asAnchor(g.mul(same, g.floats([batch, candidates], notItself))),
    negative: asAnchor(g.mul(g.sub(1, same), filled)),
    batch,
    candidates,
  };
}

/** Distance from similarity of unit vectors. The root is kept away from zero, where its slope is infinite. */
export function distanceOf(similarity: Value, distance: DistanceName, g: GraphBuilder): Value {
  const gap = g.sub(1, similarity);
  switch (distance) {
    case "cosine":
      return gap;
    case "euclidean":
      return g.sqrt(g.max(g.mul(gap, 2), LEAST_SQUARE));
  }
}

/** Σ values · mask / Σ mask over everything; 0 where the mask is empty. */
export function maskedMean(values: Value, mask: Value, g: GraphBuilder): Value {
  const count = g.reduceSum(mask, undefined, false);
  return g.div(g.reduceSum(g.mul(values, mask), undefined, false), g.max(count, 1));
}

/** Share of ones of `part` among those of `whole`. */
export function shareOf(part: Value, whole: Value, g: GraphBuilder): Value {
  return g.div(g.reduceSum(part, undefined, false), g.max(g.reduceSum(whole, undefined, false), 1));
}
