import type { Dimension, ElementType } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** ReduceMean, ReduceSum, …: axes as an attribute, or as input 1 (ReduceSum since 13, the others since 18). */
export const reduction: ShapeRule = (call) => {
  const shape = call.shape(0);
  const axes = reducedAxes(call, shape.length);
  return [{ elementType: call.elementType(0), shape: without(shape, axes, call.int("keepdims") !== 0) }];
};

/** ArgMax and ArgMin: positions along one axis. */
export const argument: ShapeRule = (call) => {
  const shape = call.shape(0);
  const axes = new Set([call.axis(call.int("axis") ?? 0, shape.length)]);
  return [{ elementType: "int64", shape: without(shape, axes, call.int("keepdims") !== 0) }];
};

/** TopK: the axis shrinks to k; values and positions. */
export const topK: ShapeRule = (call) => {
  const axis = call.axis(call.int("axis") ?? -1, call.shape(0).length);
  const [k] = call.numbers(1);
  if (k === undefined) return call.fail("its k is empty");
  const shape = call.shape(0).map((size, at) => (at === axis ? k : size));
  return (["values", "positions"] as const).map((what) => ({
    elementType: what === "values" ? call.elementType(0) : ("int64" satisfies ElementType),
    shape,
  }));
};

/** No axes: all of them, unless the node says that this means none. */
export function reducedAxes(call: OperatorCall, rank: number): ReadonlySet<number> {
  const given = call.numbersFromAttributeOrInput("axes", 1) ?? [];
  if (given.length > 0) return new Set(given.map((axis) => call.axis(axis, rank)));
  return new Set(call.int("noop_with_empty_axes") === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis));
}

function without(shape: readonly Dimension[], axes: ReadonlySet<number>, kept: boolean): Dimension[] {
  return kept ? shape.map((size, axis) => (axes.has(axis) ? 1 : size)) : shape.filter((_, axis) => !axes.has(axis));
}
