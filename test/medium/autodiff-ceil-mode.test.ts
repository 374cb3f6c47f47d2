import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { differentiate, normalise } from "../../src/autodiff/index.js";
import { elementCount, type Graph, GraphBuilder, modelOf, writeModel } from "../../src/onnx/index.js";

interface Pool {
  readonly side: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pads: readonly number[];
  readonly countPadding?: boolean;
}

function pooled({ side, kernel, stride, pads, countPadding = false }: Pool, opset: number): Graph {
  const g = new GraphBuilder({ opset });
  const x = g.input("x", "float32", [1, 1, side, side]);
  const settings = { kernel: [kernel, kernel], strides: [stride, stride], pads, ceil: true, countPadding };
  g.output(g.averagePool(x, settings), "y");
  return g.graph();
}

async function run(graph: Graph, x: Float32Array): Promise<Float32Array[]> {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 3 });
  const [input] = graph.inputs;
  const results = await session.run({ x: new RuntimeTensor("float32", x, input?.type.shape.map(Number) ?? []) });
  await session.release();
  return graph.outputs.map(({ name }) => Float32Array.from(results[name]?.data as Float32Array));
}

/** The slope of Σ y at every element, which for a mean is what the runtime gives for that element alone. */
async function slopes(graph: Graph, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index++) {
    const [y] = await run(
      graph,
      Float32Array.from({ length: count }, (_, at) => (at === index ? 1 : 0)),
    );
    found.push([...(y ?? [])].reduce((sum, value) => sum + value, 0));
  }
  return found;
}

describe("poolings that round their size up", () => {
  const counted: Readonly<Record<string, Pool>> = {
    "the last window reaches behind the padding": {
      side: 4,
      kernel: 3,
      stride: 3,
      pads: [1, 1, 0, 0],
      countPadding: true,
    },
    "without padding": { side: 5, kernel: 2, stride: 2, pads: [0, 0, 0, 0], countPadding: true },
    "padding not counted": { side: 5, kernel: 3, stride: 3, pads: [1, 0, 1, 0] },
  };
  for (const [title, pool] of Object.entries(counted)) {
    for (const opset of [13, 18, 19, 21]) {
      it(`gradient: ${title}, operator set ${opset}`, async () => {
        const forward = pooled(pool, opset);
        const builder = GraphBuilder.from(forward);
        builder.output(builder.reduceSum(builder.value("y"), undefined, false), "loss");
        const backward = differentiate(builder.graph(), "loss", ["x"]);
        const gradient = backward.gradients.get("x");
        assert.ok(gradient);
        backward.builder.output(gradient, "gradient");
        const count = elementCount([pool.side, pool.side]);
        const given = (await run(backward.builder.graph(), new Float32Array(count))).at(-1) ?? new Float32Array();
        for (const [index, slope] of (await slopes(forward, count)).entries()) {
          assert.ok(
            Math.abs(slope - (given[index] ?? Number.NaN)) < 1e-5,
            `element ${index}: ${given[index]}, ${slope}`,
          );
        }
      });
    }
  }

  it("a window that would start behind the image is left out; the runtime opens what is built on it", async () => {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", [1, 1, 4, 4]);
    const y = g.maxPool(x, { kernel: [1, 1], strides: [2, 2], ceil: true });
    g.output(g.reduceSum(g.mul(y, y), undefined, false), "loss");
    const { builder, gradients } = differentiate(await normalise(g.graph(), {}), "loss", ["x"]);
    const gradient = gradients.get("x");
    assert.ok(gradient);
    builder.output(gradient, "gradient");
    const [, slope] = await run(
      builder.graph(),
      Float32Array.from({ length: 16 }, (_, index) => index),
    );
    assert.deepEqual([...(slope ?? [])], [0, 0, 4, 0, 0, 0, 0, 0, 16, 0, 20, 0, 0, 0, 0, 0]);
  });
});
