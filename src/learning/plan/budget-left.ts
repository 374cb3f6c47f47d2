/** Of the budget, for a run whose time was up when it was stopped: enough to end an epoch and to write the model. */
const LEAST_SHARE = 0.1;

/**
 * Seconds that a run may still take when it goes on.
 * @param usedSeconds by earlier attempts, up to the checkpoint; what came after it is lost and does not count
 */
export function budgetLeft(budgetMinutes: number, usedSeconds: number): number {
  const budget = budgetMinutes * 60;
  return Math.max(budget * LEAST_SHARE, budget - usedSeconds);
}
