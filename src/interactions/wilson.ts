import type { Rate } from "./interaction.type.js";

/** Two-sided 95 % of the normal distribution. */
const Z = 1.959963984540054;

/** A share with Wilson's score interval at 95 % (E. B. Wilson, JASA 22, 1927). */
export function wilson(successes: number, trials: number): Rate {
  if (trials === 0) return { successes, trials };
  const share = successes / trials;
  const squared = Z * Z;
  const centre = share + squared / (2 * trials);
  const spread = Z * Math.sqrt((share * (1 - share)) / trials + squared / (4 * trials * trials));
  const width = 1 + squared / trials;
  return {
    successes,
    trials,
    share,
    low: successes === 0 ? 0 : (centre - spread) / width,
    high: successes === trials ? 1 : (centre + spread) / width,
  };
}

/** Whether the intervals have a value in common; undefined when one of them has no trials. */
export function overlap(left: Rate, right: Rate): boolean | undefined {
  if (left.low === undefined || left.high === undefined || right.low === undefined || right.high === undefined) {
    return undefined;
  }
  return left.low <= right.high && right.low <= left.high;
}
