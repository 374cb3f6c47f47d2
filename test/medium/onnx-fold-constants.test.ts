import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  checkGraph,
  DynamicControlFlow,
  float32Tensor,
  foldConstants,
  type Graph,
  GraphBuilder,
  inferShapes,
  int64List,
  isTensor,
  numbersOf,
  type Value,
} from "../../src/onnx/index.js";

function build(body: (g: GraphBuilder, x: Value) => Value): Graph {
  const g = new GraphBuilder({ name: "sample" });
  g.output(body(g, g.input("x", "float32", ["batch", 4])), "y");
  return g.graph();
}

const operators = (graph: Graph) => graph.nodes.map(({ operator }) => operator);

test("weights are computed once and stored under the value's name; what is no longer read goes", async () => {
  const graph = build((g, x) => {
    const weights = g.initialiser("weights", float32Tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]));
    const doubled = g.mul(g.transpose(weights, [1, 0]), 2, "doubled");
    return g.matMul(x, doubled);
  });
  const folded = await foldConstants(graph);
  checkGraph(inferShapes(folded));
  assert.deepEqual(operators(folded), ["MatMul", "Identity"]);
  assert.deepEqual([...folded.initialisers.keys()], ["doubled"]);
  const doubled = folded.initialisers.get("doubled");
  assert.deepEqual(doubled && numbersOf(doubled), [2, 10, 4, 12, 6, 14, 8, 16]);
});

test("weights too large to be followed by shape inference are folded as well", async () => {
  const size = 300_000;
  const graph = build((g, x) => {
    const large = g.initialiser("large", float32Tensor([size], new Float32Array(size).fill(3)));
    return g.add(x, g.reduceMean(g.mul(large, 2), [0]));
  });
  const folded = await foldConstants(graph);
  assert.deepEqual(operators(folded), ["Add", "Identity"]);
  const [mean] = folded.initialisers.values();
  assert.deepEqual(mean && numbersOf(mean), [6]);
});

test("a small constant that would become a huge one stays a node", async () => {
  const graph = build((g, x) => {
    const huge = g.node("ConstantOfShape", [g.int64s([1024, 1024, 128])]);
    return g.add(x, g.reduceMean(huge, [0, 1, 2], false));
  });
  assert.deepEqual(operators(await foldConstants(graph)), ["ConstantOfShape", "ReduceMean", "Add", "Identity"]);
});

test("a constant that is an output of the graph stays a node", async () => {
  const graph = build((g, x) => {
    g.output(g.add(g.floats([2], [1, 2]), 1), "constant");
    return g.relu(x);
  });
  const folded = await foldConstants(graph);
  assert.deepEqual(operators(folded), ["Identity", "Relu", "Identity"]);
  checkGraph(inferShapes(folded));
});

test("random numbers are never taken for constants", async () => {
  const graph = build((g, x) => {
    const outputTypes = [{ elementType: "float32", shape: [4] }] as const;
    const [random] = g.nodes("RandomNormal", [], { shape: attribute.ints([4]) }, { outputTypes });
    return g.add(x, random as Value);
  });
  await assert.rejects(foldConstants(graph), /no shape rule for RandomNormal/);
});

test("a value follows from constants while a graph is built on", () => {
  const g = new GraphBuilder();
  const sum = g.add(g.constant(int64List([1, 2])), g.int64s([3]));
  const known = g.knownValue(sum);
  assert.ok(known !== undefined && isTensor(known));
  assert.deepEqual(numbersOf(known), [4, 5]);
});

test("control flow is refused by name", async () => {
  const graph = build((g, x) => g.relu(x));
  const loop = { name: "again", operator: "Loop", domain: "", inputs: ["x"], outputs: ["z"], attributes: new Map() };
  await assert.rejects(foldConstants({ ...graph, nodes: [...graph.nodes, loop] }), DynamicControlFlow);
});
