/** Results of a graph by name. */
export type Outputs = ReadonlyMap<string, ArrayLike<number>>;

/**
 * Largest difference of any two elements, as a share of the largest number of their tensor. Tensors of hardly anything
 * but rounding, such as the gradient of a bias that a softmax forgets, are measured by the largest of all.
 */
export function worstDifference(actual: Outputs, expected: Outputs): { worst: number; where: string } {
  const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const floor = 1e-3 * Math.max(1e-3, ...[...expected.values()].map(largest));
  let worst = 0;
  let where = "";
  for (const [name, values] of expected) {
    const others = actual.get(name);
    const scale = Math.max(floor, largest(values));
    for (let index = 0; index < values.length; index++) {
      const difference = Math.abs((values[index] ?? 0) - (others?.[index] ?? Number.NaN)) / scale;
      if (difference <= worst) continue;
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      where = name;
    }
  }
  return { worst, where };
}
