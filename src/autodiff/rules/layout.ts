import { int64Tensor, type Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";
import { shapeOf } from "../rule-call.js";
import { indicator } from "./rule-forms.js";

/** y = x in another shape (Reshape, Flatten, Squeeze, Unsqueeze)  ⇒  ∂x = ∂y in the shape of x. */
export const reshape: GradientRule = (call, [dy], g) => [dy ? g.reshape(dy, shapeOf(call.input(0))) : null, null];

/** y = x with permuted axes  ⇒  ∂x = ∂y permuted back. */
export const transpose: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const rank = shapeOf(call.input(0)).length;
  const order = call.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const inverse = Array.from({ length: rank }, (_, axis) => order.indexOf(axis));
  return [g.transpose(dy, inverse)];
};

/** y = x₁ ⧺ x₂ ⧺ …  ⇒  ∂xᵢ = the part of ∂y where xᵢ lies. */
export const concat: GradientRule = (call, [dy], g) => {
  if (!dy) return [];
  const rank = shapeOf(call.output()).length;
  const axis = (call.int("axis", 0) + rank) % rank;
  let start = 0;
  return Array.from({ length: call.inputCount }, (_, position) => {
    const end = start + (shapeOf(call.input(position))[axis] ?? 0);
    const part = g.slice(dy, [start], [end], [axis]);
    start = end;
    return part;
  });
};

/** y₁, y₂, … = parts of x  ⇒  ∂x = ∂y₁ ⧺ ∂y₂ ⧺ …. */
export const split: GradientRule = (call, gradients, g) => [g.concat(gradients, call.int("axis", 0)), null];

/** y = x repeated to a larger shape  ⇒  ∂x = ∂y; the walker sums what was repeated. */
export const expand: GradientRule = (_call, [dy]) => [dy ?? null, null];

/** y = x  ⇒  ∂x = ∂y. */
export const identity: GradientRule = (_call, [dy]) => [dy ?? null];

/** y = x[start:end:step]  ⇒  ∂x = ∂y between zeros. */
export const slice: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const shape = shapeOf(call.input(0));
  const starts = call.numbers(1);
  const axes = call.optionalNumbers(3) ?? starts.map((_, axis) => axis);
  const steps = call.optionalNumbers(4) ?? starts.map(() => 1);
  let gradient: Value = dy;
  for (const [position, given] of axes.entries()) {
    const axis = given < 0 ? given + shape.length : given;
    const size = shape[axis] ?? 1;
    const count = shapeOf(gradient)[axis] ?? 1;
    const step = steps[position] ?? 1;
    const start = starts[position] ?? 0;
    const fromFront = start < 0 ? start + size : start;
    let first = Math.max(0, Math.min(fromFront, step < 0 ? size - 1 : size));
    if (step < 0) {
      const reversed = Array.from({ length: count }, (_, index) => count - 1 - index);
      gradient = g.gather(gradient, g.int64s(reversed), axis);
      first += step * (count - 1);
    }
    gradient = spread(gradient, axis, Math.abs(step), first, size, g);
  }
  return [gradient, null, null, null, null];
};

/** Puts the elements of an axis `step` apart, the first at `first`, into an axis of `size` zeros. */
export function spread(
  value: Value,
  axis: number,
  step: number,
  first: number,
  size: number,
  g: Parameters<GradientRule>[2],
): Value {
  const shape = shapeOf(value);
  const count = shape[axis] ?? 1;
  const pads = (before: number, after: number, rank: number, at: number) =>
    Array.from({ length: rank * 2 }, (_, index) => (index === at ? before : index === rank + at ? after : 0));
  let spaced = value;
  let length = count;
  if (step > 1) {
    const widened = g.pad(g.unsqueeze(value, [axis + 1]), pads(0, step - 1, shape.length + 1, axis + 1));
    length = count * step;
    spaced = g.reshape(
      widened,
      shape.map((existing, at) => (at === axis ? length : existing)),
    );
  }
  // The zeros behind the last element may reach past the end: Pad cuts where a pad is negative.
  const after = size - first - length;
  return first === 0 && after === 0 ? spaced : g.pad(spaced, pads(first, after, shape.length, axis));
}

/** y = x between constants  ⇒  ∂x = the part of ∂y where x lies. */
export const pad: GradientRule = (call, [dy], g) => {
  if (!dy) return [null];
  const mode = call.text("mode", "constant");
  if (mode !== "constant") call.refuse(`padding by "${mode}" has no rule`);
  const rank = shapeOf(call.input(0)).length;
  const amounts = call.numbers(1);
  const given = call.optionalNumbers(3)?.map((axis) => (axis < 0 ? axis + rank : axis));
  const axes = given ?? Array.from({ length: rank }, (_, axis) => axis);
  const inverse = new Array<number>(rank * 2).fill(0);
  for (const [position, axis] of axes.entries()) {
    inverse[axis] = -(amounts[position] ?? 0);
    inverse[axis + rank] = -(amounts[position + axes.length] ?? 0);
  }
  return [g.pad(dy, inverse), null, null, null];
};

/**
 * y = x[indices] along an axis  ⇒  ∂x = Σ of ∂y over the places that read each element, as a product with a matrix of
 * zeros and ones: deterministic, and on every provider, which ScatterElements with addition is not.
 */
export const gather: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null];
  const [x, indices] = [call.input(0), call.input(1)];
  const shape = shapeOf(x);
  const axis = (call.int("axis", 0) + shape.length) % shape.length;
  const size = shape[axis] ?? 1;
  const count = shapeOf(indices).reduce((product, length) => product * length, 1);
  const before = shape.slice(0, axis).reduce((product, length) => product * length, 1);
  const after = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const places = g.constant(
    int64Tensor(
      [size, 1],
      Array.from({ length: size }, (_, index) => index),
    ),
  );
  const wanted = g.reshape(indices.type.elementType === "int64" ? indices : g.cast(indices, "int64"), [1, count]);
  const counted = g.where(
    g.less(wanted, g.constant(int64Tensor([], [0]))),
    g.add(wanted, g.constant(int64Tensor([], [size]))),
    wanted,
  );
  const selection = indicator(g, g.equal(g.cast(places, "int32"), g.cast(counted, "int32")), dy);
  const summed = g.matMul(selection, g.reshape(dy, [before, count, after]));
  return [g.reshape(summed, shape), null];
};
