import type { GraphBuilder, Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";
import { type RuleCall, shapeOf } from "../rule-call.js";
import { indicator } from "./rule-forms.js";

/** The axes that a reduction removes, and its output's values with those axes kept as ones. */
function reduction(call: RuleCall, g: GraphBuilder) {
  const shape = shapeOf(call.input(0));
  const given = call.axes(1, shape.length);
  const empty = given === undefined || given.length === 0;
  const axes = empty ? (call.int("noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, axis) => axis)) : given;
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
  const keep = (value: Value) => (call.int("keepdims", 1) === 1 ? value : g.reshape(value, kept));
  return { shape, axes, count, keep };
}

/** y = Σ x  ⇒  ∂x = ∂y, repeated along the reduced axes. */
export const reduceSum: GradientRule = (call, [dy], g) => {
  const { shape, keep } = reduction(call, g);
  return [dy ? g.expand(keep(dy), shape) : null, null];
};

/** y = (Σ x) / n  ⇒  ∂x = ∂y / n, repeated. */
export const reduceMean: GradientRule = (call, [dy], g) => {
  const { shape, count, keep } = reduction(call, g);
  return [dy ? g.expand(g.mul(keep(dy), 1 / count), shape) : null, null];
};

/** y = max x  ⇒  ∂x = ∂y, shared equally by the elements that equal y. Min likewise. */
export const reduceExtreme: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null];
  const { axes, keep } = reduction(call, g);
  // No axes on purpose (noop_with_empty_axes); for the sum below they would mean all.
  if (axes.length === 0) return [dy, null];
  const chosen = indicator(g, g.equal(call.input(0), keep(call.output())), dy);
  return [g.mul(chosen, g.div(keep(dy), g.reduceSum(chosen, axes))), null];
};

/** y = √Σ x²  ⇒  ∂x = ∂y · x / y; 0 at the tip of the cone, where all x are 0. */
export const reduceL2: GradientRule = (call, [dy], g) => {
  if (!dy) return [null, null];
  const { keep } = reduction(call, g);
  const y = keep(call.output());
  return [g.mul(call.input(0), g.div(keep(dy), g.where(g.equal(y, 0), 1, y))), null];
};

/** y = Σ x²  ⇒  ∂x = 2 ∂y · x. */
export const reduceSumSquare: GradientRule = (call, [dy], g) => {
  const { keep } = reduction(call, g);
  return [dy ? g.mul(g.mul(call.input(0), 2), keep(dy)) : null, null];
};

/** y = ln Σ eˣ  ⇒  ∂x = ∂y · e^(x − y). */
export const reduceLogSumExp: GradientRule = (call, [dy], g) => {
  const { keep } = reduction(call, g);
  return [dy ? g.mul(keep(dy), g.exp(g.sub(call.input(0), keep(call.output())))) : null, null];
};
