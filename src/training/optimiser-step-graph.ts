import { type Graph, GraphBuilder, inferShapes, pruneGraph, type Value } from "../onnx/index.js";
import { moveWeight, numberInput, type ParameterGroup } from "./optimisers/index.js";
import type { Parameter } from "./parameters.js";
import type { EngineSettings } from "./step-engine.type.js";
import { STEP } from "./training-graph.js";

/** Name of a remembered value of a weight ("first", "average"), and of what comes after a step. */
export const kept = (key: string, weight: string) => `optimiser/${key}/${weight}`;
export const next = (name: string) => `next/${name}`;
export const AVERAGE = "average";
/** Scalar input: how much of the average is kept. */
export const AVERAGE_KEPT = "optimiser/average kept";
export const GRADIENT_NORM = "step/gradient norm";

/** Larger ones are taken for infinite; comparing is all that a shader can be trusted with. */
const LARGEST = 1e30;

/**
 * The step graph with the optimiser behind it: it gives the next weights instead of gradients. Where loss or gradient is
 * not finite, it gives the weights as they were.
 * @param numbers names of the optimiser's scalars
 */
export function withOptimiser(
  graph: Graph,
  { space, optimiser, clipNorm, averaging }: EngineSettings,
  remembered: readonly string[],
  numbers: readonly string[],
): Graph {
  const gradientNames = new Set(space.parameters.map(({ name }) => STEP.gradient(name)));
  const inner = new Map(graph.valueTypes);
  for (const { name, type } of graph.outputs) if (type && gradientNames.has(name)) inner.set(name, type);
  const outputs = graph.outputs.filter(({ name }) => !gradientNames.has(name));
  const g = GraphBuilder.from({ ...graph, outputs, valueTypes: inner });
  const gradients = space.parameters.map(({ name }) => g.value(STEP.gradient(name)));
  const squares = gradients.map((gradient) => g.reduceSum(g.mul(gradient, gradient), undefined, false));
  // Added up from the last layer on: the runtime takes gradients in this order, and frees what the last layers held.
  const norm = g.sqrt(
    squares.toReversed().reduce((sum, square) => g.add(sum, square)),
    GRADIENT_NORM,
  );
  g.output(norm);
  const sound = g.and(g.less(norm, LARGEST), g.less(g.abs(g.value(STEP.loss)), LARGEST));
  const share = clipNorm === undefined ? undefined : g.min(g.div(clipNorm, g.max(norm, 1e-20)), 1);
  const scalars = scalarInputs(
    g,
    space.parameters.map((parameter) => groupOf(parameter, space)),
    numbers,
  );
  const averageKept = averaging === undefined ? undefined : g.input(AVERAGE_KEPT, "float32", []);

  for (const [index, parameter] of space.parameters.entries()) {
    const { name, shape } = parameter;
    const segment = segmentOf(parameter, space);
    const weight = g.value(name);
    const past = Object.fromEntries(remembered.map((key) => [key, g.input(kept(key, name), "float32", shape)]));
    const gradient = gradients[index] as Value;
    const moved = moveWeight(
      g,
      optimiser,
      { weight, gradient: share ? g.mul(gradient, share) : gradient, decays: segment.decays, remembered: past },
      (number) => scalars(segment.group, number),
    );
    const choose = (after: Value, before: Value) => g.output(g.where(sound, after, before, next(before.name)));
    choose(moved.weight, weight);
    for (const key of remembered) choose(moved.remembered[key] as Value, past[key] as Value);
    if (averageKept) {
      const average = g.input(kept(AVERAGE, name), "float32", shape);
      choose(g.add(g.mul(average, averageKept), g.mul(moved.weight, g.sub(1, averageKept))), average);
    }
  }
  return inferShapes(pruneGraph(g.graph()));
}

function segmentOf({ from }: Parameter, { segments }: EngineSettings["space"]) {
  const segment = segments.find((candidate) => candidate.from <= from && from < candidate.to);
  if (segment === undefined) throw new RangeError(`no segment holds element ${from}`);
  return segment;
}

function groupOf(parameter: Parameter, space: EngineSettings["space"]): ParameterGroup {
  return segmentOf(parameter, space).group;
}

function scalarInputs(g: GraphBuilder, groups: readonly ParameterGroup[], numbers: readonly string[]) {
  const values = new Map<string, Value>();
  for (const group of new Set(groups)) {
    for (const number of numbers) {
      const name = numberInput(group, number);
      values.set(name, g.input(name, "float32", []));
    }
  }
  return (group: ParameterGroup, number: string): Value => {
    const value = values.get(numberInput(group, number));
    if (value === undefined) throw new RangeError(`the optimiser has no number "${number}"`);
    return value;
  };
}
