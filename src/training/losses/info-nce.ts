import type { LossBuilder } from "./loss.type.js";
import { FAR, maskedMean, pairsOf, shareOf } from "./pairs.js";

/**
 * InfoNCE (van den Oord et al. 2018) over labels: for every positive pair the softmax among that positive and all
 * negatives and positives of the anchor, averaged over the anchor's positives (the supervised contrastive form, Khosla
 * et al. 2020, equation 2).
 */
export function infoNceLoss({ temperature = 0.1 }: { readonly temperature?: number } = {}): LossBuilder {
  return (inputs, g) => {
    const { similarity, positive, negative } = pairsOf(inputs, g);
    const compared = g.add(positive, negative);
    const logits = g.where(g.greater(compared, 0), g.div(similarity, temperature), -FAR);
    const largest = g.reduceMax(logits, [1]);
    // The shift makes the powers safe and cancels out, so that it matters to no gradient.
    const sum = g.reduceSum(g.mul(compared, g.exp(g.sub(logits, largest))), [1]);
    const logShare = g.sub(logits, g.add(largest, g.log(g.max(sum, 1e-20))));
    const positives = g.reduceSum(positive, [1]);
    const terms = g.neg(g.div(g.reduceSum(g.mul(positive, logShare), [1]), g.max(positives, 1)));
    const usable = g.mul(g.reduceMax(positive, [1]), g.reduceMax(negative, [1]));
    const uncertain = g.mul(usable, g.cast(g.greater(terms, 0.01), "float32"));
    return { loss: maskedMean(terms, usable, g), active: shareOf(uncertain, usable, g) };
  };
}
