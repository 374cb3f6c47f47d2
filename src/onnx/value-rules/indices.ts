/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return strides;
}

/** Coordinates of the element at a row-major position. */
export function coordinatesOf(position: number, shape: readonly number[]): number[] {
  return stridesOf(shape).map((stride, axis) => Math.floor(position / stride) % (shape[axis] as number));
}

/** Row-major position of coordinates. */
export function positionOf(coordinates: readonly number[], shape: readonly number[]): number {
  return stridesOf(shape).reduce((sum, stride, axis) => sum + stride * (coordinates[axis] as number), 0);
}

/** Position in a shape that is broadcast to a larger one. */
export function broadcastPosition(coordinates: readonly number[], shape: readonly number[]): number {
  const own = coordinates.slice(coordinates.length - shape.length);
  return positionOf(
    own.map((coordinate, axis) => (shape[axis] === 1 ? 0 : coordinate)),
    shape,
  );
}
