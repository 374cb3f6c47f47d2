import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import type { Attribute, Dimension, Tensor } from "../../src/onnx/index.js";
import { float32Tensor, GraphBuilder, inferShapes, modelOf, ShapeUnknown, writeModel } from "../../src/onnx/index.js";

/** One node to try: shapes stand for random float inputs fed at run time, tensors for constants. */
export interface OperatorCase {
  readonly inputs: readonly (readonly number[] | Tensor | undefined)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: number;
  readonly opset?: number;
}

/** Compares the shapes that our rules infer for a node with those that onnxruntime really produces. */
export function testShapes(operator: string, cases: Readonly<Record<string, OperatorCase>>): void {
  for (const [title, operatorCase] of Object.entries(cases)) {
    test(`${operator}: ${title}`, async () => {
      const inferred = shapesOf(operator, operatorCase);
      const actual = await run(operator, operatorCase);
      assert.deepEqual(inferred, actual);
      checkOpenShapes(operator, operatorCase, actual);
    });
  }
}

function build(operator: string, operatorCase: OperatorCase, firstSize?: string): GraphBuilder {
  const builder = new GraphBuilder({ opset: operatorCase.opset ?? 18 });
  let isFirst = firstSize !== undefined;
  const inputs = operatorCase.inputs.map((input, position) => {
    if (input === undefined) return undefined;
    if (!isShape(input)) return builder.constant(input);
    const shape: Dimension[] = [...input];
    if (isFirst && firstSize !== undefined && shape.length > 0) shape[0] = firstSize;
    isFirst = false;
    return builder.input(`input${position}`, "float32", shape);
  });
  const outputs = builder.nodes(operator, inputs, operatorCase.attributes, { outputs: operatorCase.outputs ?? 1 });
  for (const output of outputs) builder.output(output);
  return builder;
}

function shapesOf(operator: string, operatorCase: OperatorCase, firstSize?: string) {
  const { outputs } = inferShapes(build(operator, operatorCase, firstSize).graph());
  return outputs.map(({ type }) => ({ elementType: type?.elementType, shape: type?.shape }));
}

/** With the first size of the first input left open, every size that the rule does name must be the real one. */
function checkOpenShapes(
  operator: string,
  operatorCase: OperatorCase,
  actual: readonly { shape: readonly number[] }[],
) {
  const first = operatorCase.inputs.find((input) => input !== undefined && isShape(input));
  if (first === undefined || !isShape(first) || first[0] === undefined || first[0] === 1) return;
  let open: ReturnType<typeof shapesOf>;
  try {
    open = shapesOf(operator, operatorCase, "batch");
  } catch (error) {
    if (error instanceof ShapeUnknown) return;
    throw error;
  }
  open.forEach(({ shape }, position) => {
    assert.equal(shape?.length, actual[position]?.shape.length);
    shape?.forEach((size, axis) => {
      const real = actual[position]?.shape[axis];
      if (size === "batch") assert.equal(real, first[0]);
      if (typeof size === "number") assert.equal(size, real, `axis ${axis} of [${shape.join(", ")}]`);
    });
  });
}

async function run(operator: string, operatorCase: OperatorCase) {
  const graph = build(operator, operatorCase).graph();
  // Without declared output types: what the runtime reports is its own finding.
  const untyped = { ...graph, outputs: graph.outputs.map(({ name }) => ({ name, type: undefined })) };
  const session = await InferenceSession.create(writeModel(modelOf(untyped)), { logSeverityLevel: 3 });
  const feeds = graph.inputs.map(({ name, type }) => {
    const shape = type.shape.map(Number);
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.random() + 0.1);
    return [name, new RuntimeTensor("float32", values, shape)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return graph.outputs.map(({ name }) => {
    const result = results[name];
    assert.ok(result !== undefined);
    return { elementType: result.type, shape: result.dims };
  });
}

/** Weights of small, irregular numbers. */
export function weights(...shape: readonly number[]): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return float32Tensor(
    shape,
    Float32Array.from({ length }, (_, index) => Math.sin(index * 1.7) / 2),
  );
}

function isShape(input: readonly number[] | Tensor): input is readonly number[] {
  return Array.isArray(input);
}
