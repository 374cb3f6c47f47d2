/** A tensor of the reference interpreter: row-major float64, so that finite differences keep their digits. */
export interface ReferenceArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export function arrayOf(shape: readonly number[], values: ArrayLike<number>): ReferenceArray {
  if (values.length !== sizeOf(shape)) throw new Error(`[${shape}] does not hold ${values.length} values`);
  return { shape, values: Float64Array.from(values) };
}

/** Builds an array by calling `value` with the index of every element. */
export function generate(shape: readonly number[], value: (index: number[]) => number): ReferenceArray {
  const values = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let flat = 0; flat < values.length; flat++) {
    values[flat] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return { shape, values };
}

/** The element at `index`; outside the array it is `outside`. */
export function at({ shape, values }: ReferenceArray, index: readonly number[], outside = 0): number {
  let flat = 0;
  for (const [axis, size] of shape.entries()) {
    const position = index[axis] ?? 0;
    if (position < 0 || position >= size) return outside;
    flat = flat * size + position;
  }
  return values[flat] ?? outside;
}

/** The element that numpy's broadcasting puts at `index` of a larger array. */
export function broadcastAt(array: ReferenceArray, index: readonly number[]): number {
  const offset = index.length - array.shape.length;
  return at(
    array,
    array.shape.map((size, axis) => (size === 1 ? 0 : (index[axis + offset] ?? 0))),
  );
}

export function broadcastShape(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (new Set(sizes).size > 1)
      throw new Error(`cannot broadcast ${shapes.map((shape) => `[${shape}]`).join(" and ")}`);
    return sizes[0] ?? 1;
  });
}

export const normaliseAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
