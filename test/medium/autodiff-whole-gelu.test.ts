import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { cpuLowering, differentiate, joinGelu, nameOutputs, splitGelu } from "../../src/autodiff/index.js";
import {
  checkGraph,
  elementCount,
  type Graph,
  GraphBuilder,
  modelOf,
  type Value,
  writeModel,
} from "../../src/onnx/index.js";

type Form = (x: Value, g: GraphBuilder) => Value;

const erfOf = (x: Value, g: GraphBuilder) => g.add(g.erf(g.div(x, Math.SQRT2)), 1);

/** GELU in the orders that exporters write it in. */
const forms: Record<string, Form> = {
  "PyTorch: x times the sum, then half": (x, g) => g.mul(g.mul(x, erfOf(x, g)), 0.5),
  "half of x, times the sum": (x, g) => g.mul(g.mul(x, 0.5), erfOf(x, g)),
  "TensorFlow: half the sum, times x": (x, g) => g.mul(x, g.mul(g.add(g.erf(g.mul(x, Math.SQRT1_2)), 1), 0.5)),
};

/** What looks like it and is not. */
const others: Record<string, Form> = {
  "another share": (x, g) => g.mul(g.mul(x, erfOf(x, g)), 0.4),
  "another slope": (x, g) => g.mul(g.mul(x, g.add(g.erf(g.mul(x, 0.5)), 1)), 0.5),
  "times another value": (x, g) => g.mul(g.mul(g.tanh(x), erfOf(x, g)), 0.5),
  "a list of shares that begins with a half": (x, g) =>
    g.mul(
      g.mul(x, erfOf(x, g)),
      g.floats(
        [33],
        Array.from({ length: 33 }, (_, index) => (index === 0 ? 0.5 : 0.4)),
      ),
    ),
  "no half": (x, g) => g.tanh(g.mul(x, erfOf(x, g))),
  "a part that is read besides": (x, g) => {
    const sum = erfOf(x, g);
    return g.add(g.mul(g.mul(x, sum), 0.5), sum);
  },
};

function forward(form: Form, opset = 17) {
  const g = new GraphBuilder({ opset });
  const x = g.input("x", "float32", [4, 33]);
  const loss = g.reduceMean(g.tanh(form(g.mul(x, g.input("scale", "float32", [33])), g)), undefined, false);
  g.output(loss);
  return { graph: g.graph(), loss: loss.name };
}

function gradients(graph: Graph, loss: string): Graph {
  const { builder, gradients: made } = differentiate(graph, loss, ["x", "scale"]);
  const wanted = new Map([["result", loss]]);
  for (const [name, value] of made) wanted.set(`gradient/${name}`, value.name);
  return nameOutputs(builder.graph(), wanted);
}

async function run(graph: Graph): Promise<Map<string, Float32Array>> {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 4 });
  // From −40 to 40, the middle finely: where e^(x²) has no float is among them.
  const feeds = graph.inputs.map(({ name, type }) => {
    const shape = type.shape.map(Number);
    const length = elementCount(shape);
    const values = Float32Array.from({ length }, (_, at) => (name === "x" ? 40 * ((2 * at + 1) / length - 1) ** 3 : 1));
    return [name, new RuntimeTensor("float32", values, shape)];
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

function assertSame(wanted: ReadonlyMap<string, Float32Array>, got: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of wanted) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [at, value] of values.entries()) {
      assert.ok(Math.abs(value - (got.get(name)?.[at] ?? Number.NaN)) <= 1e-5 * largest, `${name}[${at}] is off`);
    }
  }
}

const counted = (graph: Graph, operator: string) => graph.nodes.filter((node) => node.operator === operator).length;

describe("GELU as a whole", () => {
  let lower: (graph: Graph) => Graph;
  before(async () => {
    lower = await cpuLowering();
  });

  for (const [name, form] of Object.entries(forms)) {
    it(`is found, and its gradient is that of its parts: ${name}`, async () => {
      const { graph, loss } = forward(form);
      const joined = joinGelu(graph);
      assert.equal(counted(joined, "Gelu"), 1);
      const wanted = await run(gradients(graph, loss));
      const plain = splitGelu(gradients(joined, loss));
      checkGraph(plain);
      assert.equal(counted(plain, "Gelu"), 0);
      assertSame(wanted, await run(plain));
      assertSame(wanted, await run(lower(plain)));
    });
  }

  for (const [name, form] of Object.entries(others)) {
    it(`is left alone: ${name}`, () => {
      const { graph } = forward(form);
      assert.equal(joinGelu(graph), graph);
    });
  }

  it("stays one node where the version knows it", async () => {
    const { graph, loss } = forward((x, g) => g.mul(g.mul(x, erfOf(x, g)), 0.5), 20);
    const whole = splitGelu(gradients(joinGelu(graph), loss));
    assert.equal(counted(whole, "Gelu"), 1);
    assertSame(await run(gradients(graph, loss)), await run(whole));
  });
});
