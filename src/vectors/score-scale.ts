import type { ScoreScale } from "./vectors.type.js";

/** A distance and the score of everything at that distance. */
export interface Knot {
  readonly distance: number;
  readonly score: number;
}

/** Steps in which the scores between 0 and 0.8 are measured. */
const STEPS = 40;
/** The score of what is nearer than all but one of 10,000 random pairs; from there the scale runs on to the same picture. */
const RAREST = { score: 0.8, share: 1e-4 } as const;

/**
 * Shares of the random pairs, from all of them to one in 10,000, that mark the scale: each fifth of the score is ten times
 * fewer, so that what is near, where the neighbours lie, is told apart as well as what is far.
 */
export const MARKED_SHARES: readonly number[] = Array.from(
  { length: STEPS + 1 },
  (_, step) => RAREST.share ** (step / STEPS),
);

/**
 * The knots of a scale: the distance within which each of `MARKED_SHARES` of `pairs` random pairs lies. Shares that are
 * less than one pair say nothing, and neither do distances that do not fall.
 */
export function toKnots(distances: readonly number[], pairs: number): Knot[] {
  const knots: Knot[] = [];
  for (const [step, distance] of distances.entries()) {
    if (MARKED_SHARES[step]! * pairs < 1) break;
    if (distance > 0 && distance < (knots.at(-1)?.distance ?? Number.POSITIVE_INFINITY)) {
      knots.push({ distance, score: (RAREST.score * step) / STEPS });
    }
  }
  return knots;
}

/** A scale through these knots, straight between them, to 1 at distance 0. */
export function createScoreScale(knots: readonly Knot[]): ScoreScale {
  const line = [...knots, { distance: 0, score: 1 }];
  return {
    toScore: (distance) => along(line, distance, "distance", "score"),
    toDistance: (score) => (score <= 0 ? 2 : along(line, score, "score", "distance")),
  };
}

/** What scores mean until a model's own distances are known: 1 − distance / 2. */
export const plainScale: ScoreScale = createScoreScale([{ distance: 2, score: 0 }]);

function along(line: readonly Knot[], at: number, from: keyof Knot, to: keyof Knot): number {
  const outer = line.findLastIndex((knot) => (from === "distance" ? knot.distance >= at : knot.score <= at));
  const left = line[outer];
  const right = line[outer + 1];
  if (left === undefined) return line[0]![to];
  if (right === undefined) return left[to];
  return left[to] + ((at - left[from]) / (right[from] - left[from])) * (right[to] - left[to]);
}
