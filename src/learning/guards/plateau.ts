/** Gain in mean average precision below which an epoch brought nothing. */
const LEAST_GAIN = 5e-4;

/** Whether the last `patience` epochs brought nothing over what was best before them. */
export function isPlateau(history: readonly number[], patience: number): boolean {
  if (history.length <= patience) return false;
  const before = Math.max(...history.slice(0, -patience));
  return Math.max(...history.slice(-patience)) < before + LEAST_GAIN;
}
