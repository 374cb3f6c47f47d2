import type { ParameterGroup } from "./optimiser.type.js";

/** Copies arrays of a saved memory into those of an optimiser, all of them or none. */
export function copyMemory(
  into: Readonly<Record<string, Float32Array>>,
  from: Readonly<Record<string, Float32Array>>,
): void {
  const names = Object.keys(into);
  if (names.length !== Object.keys(from).length || names.some((name) => from[name]?.length !== into[name]?.length)) {
    const describe = (arrays: Readonly<Record<string, Float32Array>>) =>
      Object.entries(arrays)
        .map(([name, { length }]) => `${name}[${length}]`)
        .join(", ") || "none";
    throw new RangeError(`the optimiser remembers ${describe(into)}, the saved one ${describe(from)}`);
  }
  for (const name of names) into[name]?.set(from[name] ?? []);
}

/** One more step for every group that moves. */
export function countSteps(
  steps: Record<ParameterGroup, number>,
  rates: Readonly<Record<ParameterGroup, number>>,
): void {
  if (rates.head !== 0) steps.head++;
  if (rates.trunk !== 0) steps.trunk++;
}
