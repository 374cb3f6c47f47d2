/**
 * Exponential moving average of weights, in place: a ← d·a + (1 − d)·w. The decay grows into its value,
 * d = min(decay, (1 + n) / (10 + n)) after n updates, so that the first weights are soon forgotten.
 */
export function averageInto(average: Float32Array, weights: Float32Array, decay: number, updates: number): void {
  const kept = Math.min(decay, (1 + updates) / (10 + updates));
  for (let index = 0; index < average.length; index++) {
    average[index] = kept * (average[index] as number) + (1 - kept) * (weights[index] as number);
  }
}
