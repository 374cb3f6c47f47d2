import type { GraphBuilder, Value } from "../../onnx/index.js";
import type { GradientRule } from "../gradient-rule.type.js";

/** A rule of one input and one output: (x, y, ∂y) → ∂x. */
export function unary(gradient: (x: Value, y: Value, dy: Value, graph: GraphBuilder) => Value): GradientRule {
  return (call, [dy], graph) => [dy ? gradient(call.input(0), call.output(), dy, graph) : null];
}

/** A rule of two inputs and one output: (a, b, y, ∂y) → [∂a, ∂b]. */
export function binary(
  gradient: (a: Value, b: Value, y: Value, dy: Value, graph: GraphBuilder) => [Value, Value],
): GradientRule {
  return (call, [dy], graph) => (dy ? gradient(call.input(0), call.input(1), call.output(), dy, graph) : [null, null]);
}

/** 1 where the condition holds, 0 elsewhere, in the element type of `like`. */
export function indicator(graph: GraphBuilder, condition: Value, like: Value): Value {
  return graph.cast(condition, like.type.elementType);
}
