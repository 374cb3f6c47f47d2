import { addSizes, productOf, quotient, sizeOf } from "../dimensions.js";
import type { Dimension } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** Reshape: 0 keeps an axis (unless allowzero), one −1 takes what remains. */
export const reshape: ShapeRule = (call) => {
  const shape = call.shape(0);
  const wanted = call.wantedSizes(1);
  const keepsZero = call.int("allowzero") !== 1;
  const sizes = wanted.map((size, axis): Dimension => {
    if (size !== 0 || !keepsZero) return size;
    return shape[axis] ?? call.fail(`axis ${axis} of the wanted shape copies an axis that is not there`);
  });
  const open = sizes.indexOf(-1);
  const total = productOf(shape);
  if (open < 0) {
    const product = productOf(sizes);
    if (product.names.join() === total.names.join() && product.factor !== total.factor) {
      call.fail(`[${shape.join(", ")}] has not as many elements as [${sizes.join(", ")}]`);
    }
    return [{ elementType: call.elementType(0), shape: sizes }];
  }
  const others = sizes.filter((_, axis) => axis !== open);
  sizes[open] =
    quotient(total, productOf(others)) ??
    call.fail(`[${shape.join(", ")}] does not divide into [${wanted.join(", ")}]`);
  return [{ elementType: call.elementType(0), shape: sizes }];
};

/** Flatten to a matrix at an axis. */
export const flatten: ShapeRule = (call) => {
  const shape = call.shape(0);
  const given = call.int("axis") ?? 1;
  const axis = given === shape.length ? given : call.axis(given, shape.length);
  const matrix = [sizeOf(productOf(shape.slice(0, axis))), sizeOf(productOf(shape.slice(axis)))];
  return [{ elementType: call.elementType(0), shape: matrix }];
};

/** Transpose: without a permutation all axes are reversed. */
export const transpose: ShapeRule = (call) => {
  const shape = call.shape(0);
  const order = call.ints("perm") ?? shape.map((_, axis) => shape.length - 1 - axis);
  if (order.length !== shape.length || new Set(order).size !== order.length) call.fail("its perm is no permutation");
  const sizes = order.map((axis) => shape[axis] ?? call.fail(`its perm names axis ${axis}`));
  return [{ elementType: call.elementType(0), shape: sizes }];
};

export const squeeze: ShapeRule = (call) => {
  const shape = call.shape(0);
  const given = call.numbersFromAttributeOrInput("axes", 1);
  const axes = new Set(
    given?.map((axis) => call.axis(axis, shape.length)) ?? shape.flatMap((size, axis) => (size === 1 ? [axis] : [])),
  );
  for (const axis of axes) {
    const size = shape[axis];
    if (typeof size === "number" && size !== 1) call.fail(`axis ${axis} has size ${size}, not 1`);
  }
  return [{ elementType: call.elementType(0), shape: shape.filter((_, axis) => !axes.has(axis)) }];
};

export const unsqueeze: ShapeRule = (call) => {
  const shape = call.shape(0);
  const given = call.numbersFromAttributeOrInput("axes", 1) ?? call.fail("it has no axes");
  const rank = shape.length + given.length;
  const axes = new Set(given.map((axis) => call.axis(axis, rank)));
  if (axes.size !== given.length) call.fail("it names an axis twice");
  const rest = [...shape];
  const sizes = Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() as Dimension)));
  return [{ elementType: call.elementType(0), shape: sizes }];
};

/** Concat along one axis; the others must agree. */
export const concat: ShapeRule = (call) => {
  const [first, ...others] = call.node.inputs.map((_, position) => call.shape(position));
  if (first === undefined) return call.fail("it has no inputs");
  const axis = call.axis(call.int("axis") ?? call.fail("it has no axis"), first.length);
  const shape = [...first];
  for (const other of others) {
    const agrees = other.length === first.length && other.every((size, at) => at === axis || size === first[at]);
    if (!agrees) call.fail(`[${first.join(", ")}] and [${other.join(", ")}] differ beside axis ${axis}`);
    shape[axis] = addSizes(shape[axis] as Dimension, other[axis] as Dimension);
  }
  return [{ elementType: call.elementType(0), shape }];
};

/** Split into parts given as an input, or evenly (the last part smaller) into as many as there are outputs. */
export const split: ShapeRule = (call) => {
  const shape = call.shape(0);
  const axis = call.axis(call.int("axis") ?? 0, shape.length);
  const parts = call.numbersFromAttributeOrInput("split", 1) ?? evenParts(call, shape[axis] as Dimension);
  const size = shape[axis];
  const sum = parts.reduce((total, part) => total + part, 0);
  if (typeof size === "number" && sum !== size) call.fail(`its parts add up to ${sum}, axis ${axis} has size ${size}`);
  return parts.map((part) => ({
    elementType: call.elementType(0),
    shape: shape.map((own, at) => (at === axis ? part : own)),
  }));
};

function evenParts(call: OperatorCall, size: Dimension): number[] {
  if (typeof size !== "number") return call.fail(`the size "${size}" of its axis is open; bind it first`);
  const count = call.int("num_outputs") ?? call.node.outputs.length;
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, index) => Math.max(0, Math.min(part, size - index * part)));
}
