/** How a learning rate moves over a run. */
export interface Schedule {
  /** Steps of linear rise to the full rate. 0 by default. */
  readonly warmUpSteps?: number;
  /** Steps of the whole run, the warm-up included. Without it the rate stays at its height. */
  readonly totalSteps?: number;
  /** Share of the full rate that is left at the end. 0 by default. */
  readonly finalShare?: number;
}

/**
 * Share of the full rate at a step, counted from 0: a linear warm-up that ends at 1, then half a cosine down
 * (Loshchilov and Hutter 2017, without restarts).
 */
export function rateShare(step: number, { warmUpSteps = 0, totalSteps, finalShare = 0 }: Schedule = {}): number {
  if (step < warmUpSteps) return (step + 1) / warmUpSteps;
  if (totalSteps === undefined) return 1;
  const progress = Math.min(1, (step - warmUpSteps) / Math.max(1, totalSteps - warmUpSteps));
  return finalShare + ((1 - finalShare) * (1 + Math.cos(Math.PI * progress))) / 2;
}
