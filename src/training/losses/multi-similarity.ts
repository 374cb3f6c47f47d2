import type { LossBuilder } from "./loss.type.js";
import { FAR, maskedMean, pairsOf, shareOf } from "./pairs.js";

export interface MultiSimilaritySettings {
  /** Sharpness for positives and for negatives. */
  readonly alpha: number;
  readonly beta: number;
  /** Similarity that parts positives from negatives. */
  readonly lambda: number;
  /** How much a pair may be easier than the hardest of the other kind and still count. */
  readonly epsilon: number;
}

/** As the paper has them. */
export const multiSimilarityDefaults: MultiSimilaritySettings = { alpha: 2, beta: 50, lambda: 0.5, epsilon: 0.1 };

/** Multi-similarity loss with its pair mining (Wang et al. 2019, equations 11 to 15). */
export function multiSimilarityLoss(settings: Partial<MultiSimilaritySettings> = {}): LossBuilder {
  const { alpha, beta, lambda, epsilon } = { ...multiSimilarityDefaults, ...settings };
  return (inputs, g) => {
    const { similarity, positive, negative } = pairsOf(inputs, g);
    const hardestPositive = g.reduceMin(g.where(g.greater(positive, 0), similarity, FAR), [1]);
    const hardestNegative = g.reduceMax(g.where(g.greater(negative, 0), similarity, -FAR), [1]);
    const keptPositive = g.mul(positive, g.cast(g.less(similarity, g.add(hardestNegative, epsilon)), "float32"));
    const keptNegative = g.mul(negative, g.cast(g.greater(similarity, g.sub(hardestPositive, epsilon)), "float32"));
    const pull = g.reduceSum(g.mul(keptPositive, g.exp(g.mul(g.sub(similarity, lambda), -alpha))), [1]);
    const push = g.reduceSum(g.mul(keptNegative, g.exp(g.mul(g.sub(similarity, lambda), beta))), [1]);
    const terms = g.add(g.div(g.log(g.add(pull, 1)), alpha), g.div(g.log(g.add(push, 1)), beta));
    const usable = g.mul(g.reduceMax(positive, [1]), g.reduceMax(negative, [1]));
    const counting = g.mul(usable, g.max(g.reduceMax(keptPositive, [1]), g.reduceMax(keptNegative, [1])));
    return { loss: maskedMean(terms, usable, g), active: shareOf(counting, usable, g) };
  };
}
