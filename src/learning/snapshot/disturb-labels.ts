import { createDraws, drawSome } from "../../mining/index.js";

/** What `labelNoise` and `shuffleLabels` do, for benchmarks and tests. Changes `labels` in place. */
export interface Disturbance {
  readonly seed: number;
  /** Places of training photos. */
  readonly train: readonly number[];
  readonly labels: number[];
  /** How many labels there are. */
  readonly count: number;
}

/** Gives a share of the training photos another label, any of the others alike. @returns their own, by place */
export function replaceLabels({ seed, train, labels, count }: Disturbance, share: number): Record<string, number> {
  const replaced: Record<string, number> = {};
  if (count < 2) return replaced;
  const draws = createDraws(seed, 1);
  const labelled = Int32Array.from(train.filter((place) => labels[place]! >= 0));
  for (const place of drawSome(labelled, Math.round(share * labelled.length), draws).sort()) {
    const own = labels[place]!;
    const other = draws.below(count - 1);
    labels[place] = other < own ? other : other + 1;
    replaced[place] = own;
  }
  return replaced;
}

/** Deals the labels of the training photos out among them anew. */
export function shuffleLabels({ seed, train, labels }: Disturbance): void {
  const labelled = train.filter((place) => labels[place]! >= 0);
  const dealt = drawSome(
    Int32Array.from(labelled, (place) => labels[place]!),
    labelled.length,
    createDraws(seed, 2),
  );
  for (const [at, place] of labelled.entries()) labels[place] = dealt[at]!;
}
