/** All of them, or as many as `most` evenly spread. */
export function everyNth(values: Int32Array, most: number): Int32Array {
  if (values.length <= most) return values;
  return Int32Array.from({ length: most }, (_, index) => values[Math.floor((index * values.length) / most)]!);
}
