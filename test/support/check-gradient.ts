import assert from "node:assert/strict";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { differentiate } from "../../src/autodiff/differentiate.js";
import type { gradientRules } from "../../src/autodiff/rules/index.js";
import { type Graph, GraphBuilder, modelOf, type Value, writeModel } from "../../src/onnx/index.js";
import { arrayOf, type ReferenceArray, sizeOf } from "./reference/array.js";
import { evaluateGraph } from "./reference/evaluate.js";

export interface GradientCheck {
  /** Shapes of the differentiated inputs, by name, in the order that `build` takes them. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly build: (inputs: readonly Value[], graph: GraphBuilder) => Value | Value[];
  /** Inputs are drawn from here. Default [−2, 2]. */
  readonly range?: readonly [number, number];
  /** Keeps inputs away from kinks: values are moved so that they are at least this far from each of them. */
  readonly avoid?: readonly number[];
  /** Makes all values of an input differ by at least a hundredth, for maxima. */
  readonly distinct?: boolean;
  readonly opset?: number;
  readonly rules?: typeof gradientRules;
}

/** Gradients to compute, and numbers to compute them of. */
export interface GradientProblem {
  readonly forward: Graph;
  /** `forward` with an output `gradient:<name>` for every input. */
  readonly graph: Graph;
  readonly feeds: ReadonlyMap<string, ReferenceArray>;
}

/** The gradient of Σ y·r (r random) as a graph, and inputs to feed it with. */
export function gradientProblem(check: GradientCheck): GradientProblem {
  const random = xoroshiro128plus(20261123);
  const draw = (low: number, high: number) => low + ((high - low) * uniformInt(random, 0, 1_000_000)) / 1_000_000;
  const builder = new GraphBuilder({ opset: check.opset ?? 18 });
  const inputs = Object.entries(check.inputs).map(([name, shape]) => builder.input(name, "float32", shape));
  const outputs = [check.build(inputs, builder)].flat();
  const terms = outputs.map((output) => {
    const shape = output.type.shape.map(Number);
    const weights = builder.floats(
      shape,
      Array.from({ length: sizeOf(shape) }, () => draw(-1, 1)),
    );
    return builder.reduceSum(builder.mul(output, weights), undefined, false);
  });
  const loss = terms.reduce((sum, term) => builder.add(sum, term));
  builder.output(loss, "loss");
  const forward = builder.graph();
  const [low, high] = check.range ?? [-2, 2];
  const feeds = new Map<string, ReferenceArray>();
  for (const [name, shape] of Object.entries(check.inputs)) {
    let values = Array.from({ length: sizeOf(shape) }, () => draw(low, high));
    for (const kink of check.avoid ?? []) {
      values = values.map((value) => (Math.abs(value - kink) < 0.05 ? kink + (value < kink ? -0.05 : 0.05) : value));
    }
    if (check.distinct) {
      const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
      for (const [rank, index] of order.entries())
        values[index] = low + feeds.size * 0.013 + ((high - low) * rank) / values.length;
    }
    feeds.set(name, arrayOf(shape, Float32Array.from(values)));
  }

  const names = Object.keys(check.inputs);
  const { builder: backward, gradients } = differentiate(forward, "loss", names, check.rules);
  for (const name of names) {
    const gradient = gradients.get(name);
    assert.ok(gradient, `no gradient reaches "${name}"`);
    assert.deepEqual(gradient.type.shape, check.inputs[name], `shape of the gradient of "${name}"`);
    backward.output(gradient, `gradient:${name}`);
  }
  return { forward, graph: backward.graph(), feeds };
}

/**
 * Compares the emitted gradient with central differences: the gradient runs in ONNX Runtime in fp32, the differences in
 * the float64 reference interpreter.
 */
export async function checkGradient(check: GradientCheck): Promise<void> {
  const { forward, graph, feeds } = gradientProblem(check);
  const session = await InferenceSession.create(Buffer.from(writeModel(modelOf(graph))), {
    logSeverityLevel: 3,
  });
  const fed = Object.fromEntries(
    [...feeds].map(([name, { shape, values }]) => [
      name,
      new RuntimeTensor("float32", Float32Array.from(values), [...shape]),
    ]),
  );
  const results = await session.run(fed);
  await session.release();

  const lossAt = (changed: ReadonlyMap<string, ReferenceArray>) =>
    evaluateGraph(forward, changed).get("loss")?.values[0] ?? Number.NaN;
  for (const name of Object.keys(check.inputs)) {
    const array = feeds.get(name);
    const computed = results[`gradient:${name}`]?.data;
    assert.ok(array && computed instanceof Float32Array);
    const step = 1e-5;
    const expected = Array.from(array.values, (_, index) => {
      const moved = (by: number) => {
        const values = array.values.slice();
        values[index] = (values[index] ?? 0) + by;
        return lossAt(new Map(feeds).set(name, { shape: array.shape, values }));
      };
      return (moved(step) - moved(-step)) / (2 * step);
    });
    const scale = Math.max(...expected.map(Math.abs), 1e-3);
    const worst =
      Math.max(...expected.map((value, index) => Math.abs(value - (computed[index] ?? Number.NaN)))) / scale;
    assert.ok(
      worst <= 1e-3,
      `gradient of "${name}" differs from central differences by ${worst} of its largest element`,
    );
  }
}
