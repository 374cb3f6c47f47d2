import { type Graph, GraphBuilder, type Node, type Value } from "../onnx/index.js";
import { GradientShapeWrong, GraphNotTrainable } from "./autodiff.errors.js";
import { notDifferentiable } from "./gradient-rule.type.js";
import { RuleCall, shapeOf } from "./rule-call.js";
import { gradientRules } from "./rules/index.js";
import { pathTo, valuesReachedFrom } from "./weight-paths.js";

/** A graph that computes gradients beside what it computed before. */
export interface DifferentiatedGraph {
  readonly builder: GraphBuilder;
  /** Gradient of the loss by name of the value, in its shape. Absent where the loss does not depend on it. */
  readonly gradients: ReadonlyMap<string, Value>;
}

/**
 * Reverse-mode differentiation (Griewank and Walther 2008, chapter 3) of a scalar `loss` with respect to graph inputs or
 * initialisers. The nodes of the gradient are appended to the graph; nothing runs.
 * @param graph static shapes, topological order, one operator set
 * @throws GraphNotTrainable naming the operator, its node, and the path to the weight
 */
export function differentiate(
  graph: Graph,
  loss: string,
  withRespectTo: readonly string[],
  rules: typeof gradientRules = gradientRules,
): DifferentiatedGraph {
  const builder = GraphBuilder.from(graph);
  const reachedFrom = valuesReachedFrom(graph, withRespectTo);
  const accumulated = new Map<string, Value>();
  const lossValue = builder.value(loss);
  if (shapeOf(lossValue).some((size) => size !== 1)) {
    throw new GraphNotTrainable("loss", loss, [], `the loss must be one number, not [${shapeOf(lossValue).join()}]`);
  }
  accumulated.set(loss, builder.expand(builder.scalar(1, lossValue.type.elementType), shapeOf(lossValue)));

  for (const node of graph.nodes.toReversed()) {
    const outputs = node.outputs.filter((name) => name !== "");
    if (!outputs.some((name) => accumulated.has(name)) || !outputs.some((name) => reachedFrom.has(name))) continue;
    const rule = node.domain === "" ? gradientRuleOf(rules, node.operator) : undefined;
    if (rule === notDifferentiable) continue;
    if (rule === undefined) throw new GraphNotTrainable(node.operator, node.name, pathTo(node, reachedFrom));
    const gradients = completing(node, reachedFrom, () => {
      const inputs = node.inputs.map((name) => (name === "" ? undefined : builder.value(name)));
      const values = outputs.map((name) => builder.value(name));
      const call = new RuleCall(node, inputs, values, builder);
      return rule(
        call,
        values.map((value) => accumulated.get(value.name) ?? zerosLike(value, builder)),
        builder,
      );
    });
    for (const [position, name] of node.inputs.entries()) {
      const gradient = gradients[position];
      if (!gradient || !reachedFrom.has(name)) continue;
      const fitted = undoBroadcast(gradient, builder.value(name), node, position, builder);
      const before = accumulated.get(name);
      accumulated.set(name, before ? builder.add(before, fitted) : fitted);
    }
  }
  return {
    builder,
    gradients: new Map(
      withRespectTo.flatMap((name) => {
        const gradient = accumulated.get(name);
        return gradient ? [[name, gradient] as const] : [];
      }),
    ),
  };
}

function gradientRuleOf(rules: typeof gradientRules, operator: string) {
  return Object.hasOwn(rules, operator) ? rules[operator] : undefined;
}

/** Puts the path to what a rule refuses. */
function completing<Result>(node: Node, reachedFrom: ReadonlyMap<string, Node | undefined>, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof GraphNotTrainable && error.path.length === 0) {
      throw new GraphNotTrainable(node.operator, node.name, pathTo(node, reachedFrom), error.reason);
    }
    throw error;
  }
}

function zerosLike(value: Value, builder: GraphBuilder): Value {
  return builder.expand(builder.scalar(0, value.type.elementType), shapeOf(value));
}

/** Sums a gradient over the axes along which its value was broadcast. */
function undoBroadcast(gradient: Value, value: Value, node: Node, position: number, builder: GraphBuilder): Value {
  const from = shapeOf(gradient);
  const to = shapeOf(value);
  const extra = from.length - to.length;
  const fits = extra >= 0 && to.every((size, axis) => size === from[axis + extra] || size === 1);
  if (!fits) throw new GradientShapeWrong(node.operator, node.name, position, to, from);
  const axes = from
    .map((_, axis) => axis)
    .filter((axis) => axis < extra || (to[axis - extra] === 1 && from[axis] !== 1));
  if (axes.length === 0) return gradient;
  const summed = builder.reduceSum(gradient, axes);
  return extra === 0 ? summed : builder.reshape(summed, to);
}
