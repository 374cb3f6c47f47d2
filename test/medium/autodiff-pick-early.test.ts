import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differentiate, nameOutputs, pickEarly } from "../../src/autodiff/index.js";
import {
  checkGraph,
  elementCount,
  type Graph,
  GraphBuilder,
  int64List,
  int64Tensor,
  type Value,
} from "../../src/onnx/index.js";
import { runGraph } from "../support/run-graph.js";

type Weight = (...shape: number[]) => Value;
type Build = (x: Value, weight: Weight, g: GraphBuilder) => Value;

/** A loss over what `build` gives, its weights, and x as graph inputs. */
function lossOf(shape: readonly number[], build: Build, opset = 18) {
  const g = new GraphBuilder({ opset });
  const x = g.input("x", "float32", shape);
  const weights: Value[] = [];
  const y = build(
    x,
    (...sizes) => {
      const value = g.input(`w${weights.length}`, "float32", sizes);
      weights.push(value);
      return value;
    },
    g,
  );
  const loss = g.reduceMean(g.mul(y, g.tanh(y)), undefined, false, "loss");
  g.output(loss);
  return { graph: g.graph(), loss: loss.name, trained: [x, ...weights].map(({ name }) => name) };
}

function gradientsOf(graph: Graph, loss: string, trained: readonly string[]): Graph {
  const { builder, gradients } = differentiate(graph, loss, trained);
  const wanted = new Map([["result", loss]]);
  for (const [name, value] of gradients) wanted.set(`gradient/${name}`, value.name);
  return nameOutputs(builder.graph(), wanted);
}

const run = (graph: Graph) => runGraph(graph, 11);

/** The loss and every gradient stay what they were; gives the narrowed forward graph. */
async function agree(shape: readonly number[], build: Build, opset?: number): Promise<Graph> {
  const { graph, loss, trained } = lossOf(shape, build, opset);
  const narrow = pickEarly(graph, [loss]);
  checkGraph(narrow);
  const [wanted, got] = [await run(gradientsOf(graph, loss, trained)), await run(gradientsOf(narrow, loss, trained))];
  assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, values] of wanted) {
    const scale = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
    assert.ok(scale > 0, `${name} is all zeros: the sample proves nothing`);
    for (const [at, value] of values.entries()) {
      // A key's bias has no gradient but rounding.
      assert.ok(Math.abs(value - (got.get(name)?.[at] ?? Number.NaN)) <= 1e-5 * scale + 1e-6, `${name}[${at}] is off`);
    }
  }
  return narrow;
}

const largest = (graph: Graph, operator: string) =>
  Math.max(
    ...graph.nodes
      .filter((node) => node.operator === operator)
      .map(({ outputs: [name = ""] }) => elementCount((graph.valueTypes.get(name)?.shape ?? []).map(Number))),
  );

/** A transformer's block over [2, 5, 8], two heads, then normalisation. */
const block: Build = (x, weight, g) => {
  const linear = (input: Value, outputs: number) =>
    g.add(g.matMul(input, weight(Number(input.type.shape.at(-1)), outputs)), weight(outputs));
  const norm = (input: Value) => g.layerNormalization(input, weight(8), weight(8));
  const first = norm(x);
  const heads = () => g.transpose(g.reshape(linear(first, 8), [0, 0, 2, 4]), [0, 2, 1, 3]);
  const [query, key, value] = [heads(), heads(), heads()];
  const scores = g.softmax(g.mul(g.matMul(query, g.transpose(key, [0, 1, 3, 2])), 0.5));
  const mixed = g.reshape(g.transpose(g.matMul(scores, value), [0, 2, 1, 3]), [0, 0, 8]);
  const attended = g.add(x, g.mul(linear(mixed, 8), weight(8)));
  const narrow = linear(g.gelu(linear(norm(attended), 32)), 8);
  return norm(g.add(attended, narrow));
};

describe("selections move towards the inputs", () => {
  for (const opset of [13, 18]) {
    it(`a block read at its class token computes its MLP for that token only, opset ${opset}`, async () => {
      const graph = await agree([2, 5, 8], (x, weight, g) => g.pick(block(x, weight, g), 0, 1), opset);
      assert.equal(largest(graph, "Erf"), 2 * 1 * 32);
      assert.equal(largest(graph, "Softmax"), 2 * 2 * 1 * 5);
    });
  }

  it("keys and values of the block, and the blocks before, keep all tokens", async () => {
    const graph = await agree([2, 5, 8], (x, weight, g) => g.pick(block(block(x, weight, g), weight, g), 0, 1));
    assert.deepEqual(
      graph.nodes
        .filter(({ operator }) => operator === "Erf")
        .map(({ outputs: [name = ""] }) => graph.valueTypes.get(name)?.shape),
      [
        [2, 5, 32],
        [2, 1, 32],
      ],
    );
  });

  const others: Record<string, Build> = {
    "the last token, counted from the end": (x, weight, g) =>
      g.node("Gather", [g.relu(g.matMul(x, weight(8, 3))), g.constant(int64Tensor([], [-1]))], { axis: axis(1) }),
    "one index in a list": (x, weight, g) => g.gather(g.tanh(g.mul(x, weight(8))), g.constant(int64List([2])), 1),
    "some neighbouring tokens": (x, weight, g) => g.slice(g.add(g.matMul(x, weight(8, 8)), x), [1], [-1], [1]),
    "a sample of the batch": (x, weight, g) => g.slice(g.matMul(x, weight(2, 8, 5)), [1], [2], [0]),
    "columns of a product": (x, weight, g) => g.slice(g.matMul(x, weight(8, 6)), [2], [4], [-1]),
    "rows of Gemm, with a bias": (x, weight, g) =>
      g.slice(g.gemm(g.reshape(x, [10, 8]), weight(4, 8), weight(4), { transB: true }), [3], [5], [0]),
    "rows of Gemm, transposed": (x, weight, g) =>
      g.slice(g.gemm(g.reshape(x, [8, 10]), weight(8, 4), weight(10, 4), { transA: true }), [3], [5], [0]),
    "past a mean over another axis": (x, weight, g) =>
      g.slice(g.mul(x, g.reduceMean(g.mul(x, weight(8)), [-1])), [0], [2], [1]),
    "stopped by a mean over its own axis": (x, weight, g) =>
      g.slice(g.sub(g.mul(x, weight(8)), g.reduceMean(x, [1])), [0], [2], [1]),
    "stopped by softmax over its own axis": (x, weight, g) => g.slice(g.softmax(g.mul(x, weight(8)), 1), [0], [2], [1]),
    "two selections of one value": (x, weight, g) => {
      const y = g.tanh(g.mul(x, weight(8)));
      return g.mul(g.slice(y, [0], [2], [1]), g.slice(y, [3], [5], [1]));
    },
    "a selection of a selection": (x, weight, g) =>
      g.slice(g.slice(g.tanh(g.mul(x, weight(8))), [1], [4], [1]), [1], [2], [1]),
    "every second token, which is no neighbour": (x, weight, g) =>
      g.slice(g.tanh(g.mul(x, weight(8))), [0], [5], [1], [2]),
    "a value that somebody else reads whole": (x, weight, g) => {
      const y = g.tanh(g.mul(x, weight(8)));
      return g.add(g.slice(y, [0], [1], [1]), g.reduceMean(y, [1]));
    },
  };
  for (const [name, build] of Object.entries(others)) it(name, async () => void (await agree([2, 5, 8], build)));

  it("keeps a value whole that is wanted itself", () => {
    const { graph, loss } = lossOf([2, 5, 8], (x, weight, g) =>
      g.pick(g.relu(g.tanh(g.mul(x, weight(8)), "wanted")), 0, 1),
    );
    const narrow = pickEarly(graph, [loss, "wanted"]);
    assert.deepEqual(
      narrow.outputs.map(({ type }) => type?.shape),
      [[], [2, 5, 8]],
    );
  });

  it("gives a graph without selections back as it is", () => {
    const { graph, loss } = lossOf([2, 5, 8], block);
    assert.equal(pickEarly(graph, [loss]), graph);
  });
});

function axis(value: number) {
  return { kind: "int", value } as const;
}
