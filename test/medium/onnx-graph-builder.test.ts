import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import {
  checkGraph,
  float32Tensor,
  type Graph,
  GraphBuilder,
  GraphInvalid,
  int64List,
  modelOf,
  numbersOf,
  readModel,
  ShapeUnknown,
  type Value,
  writeModel,
} from "../../src/onnx/index.js";

/** Every method of the builder once. */
function everything(opset: number): Graph {
  const g = new GraphBuilder({ name: "everything", opset });
  const x = g.input("x", "float32", [2, 4]);
  const image = g.input("image", "float32", [2, 3, 8, 8]);
  const filters = g.floats(
    [4, 3, 3, 3],
    Float32Array.from({ length: 108 }, (_, index) => Math.sin(index)),
  );
  const positive = g.add(g.abs(x), 0.5);
  const scale = g.floats([4], [1, 2, 3, 4]);
  const square = g.matMul(x, g.transpose(x, [1, 0]));
  const results: Value[] = [
    g.sub(1, x),
    g.mul(x, 2),
    g.div(x, positive),
    g.pow(positive, 2),
    g.max(x, 0),
    g.min(x, 0),
    g.neg(x),
    g.sqrt(positive),
    g.reciprocal(positive),
    g.exp(x),
    g.log(positive),
    g.erf(x),
    g.tanh(x),
    g.sigmoid(x),
    g.softplus(x),
    g.relu(x),
    g.hardSwish(opset >= 14 ? x : x, "swish"),
    g.identity(x),
    g.hardSigmoid(x),
    g.leakyRelu(x),
    g.clip(x, 0),
    g.clip(x, undefined, 6),
    g.gelu(x),
    g.softmax(x),
    g.gemm(x, square, undefined, { transA: true }),
    g.cast(x, "int64"),
    g.where(g.and(g.greater(x, 0), g.or(g.less(x, 1), g.not(g.equal(x, 2)))), x, 0),
    g.where(g.greaterOrEqual(x, 0), 1, g.where(g.lessOrEqual(x, -1), x, 0)),
    g.layerNormalization(x, scale, scale),
    g.layerNormalization(x, scale),
    g.conv(image, filters, g.floats([4], [1, 2, 3, 4]), { strides: [2, 2], pads: [1, 1, 1, 1] }),
    g.averagePool(image, { kernel: [2, 2], strides: [2, 2], countPadding: true, pads: [1, 1, 0, 0] }),
    g.maxPool(image, { kernel: [3, 3], strides: [2, 2], ceil: true }),
    g.globalAveragePool(image),
    g.globalMaxPool(image),
    g.reduceMean(x, [-1]),
    g.reduceMean(x),
    g.reduceSum(x, [0], false),
    g.reduceMax(x, [1], false),
    g.reduceMin(x),
    g.reduceL2(x, [1]),
    g.reshape(image, [0, -1]),
    g.flatten(image),
    g.squeeze(g.globalAveragePool(image), [2, 3]),
    g.unsqueeze(x, [0, -1]),
    g.expand(g.floats([1, 4], [1, 2, 3, 4]), [2, 1]),
    g.concat([x, x], 1),
    ...g.split(x, [1, 3], 1),
    g.slice(x, [1], [3], [1]),
    g.slice(x, [-1], [-5], [1], [-2]),
    g.gather(x, g.int64s([0, 2]), 1),
    g.pick(x, 1, 0),
    g.pad(x, [0, 1, 0, 2], 7),
  ];
  results.forEach((value, position) => {
    g.output(value, `result ${position}`);
  });
  return g.graph();
}

describe("the builder", () => {
  for (const opset of [14, 17, 18, 20, 21]) {
    test(`every operator, version ${opset}: as checked here, so run there`, async () => {
      const graph = everything(opset);
      checkGraph(graph);
      const session = await InferenceSession.create(writeModel(modelOf(graph)), { logSeverityLevel: 3 });
      const results = await session.run({
        x: new RuntimeTensor(
          "float32",
          Float32Array.from({ length: 8 }, (_, index) => Math.sin(index)),
          [2, 4],
        ),
        image: new RuntimeTensor(
          "float32",
          Float32Array.from({ length: 384 }, (_, index) => Math.cos(index)),
          [2, 3, 8, 8],
        ),
      });
      await session.release();
      for (const { name, type } of graph.outputs) assert.deepEqual(results[name]?.dims, type?.shape, name);
    });
  }

  test("what came late computes the same in its older form", async () => {
    const values = async (opset: number) => {
      const g = new GraphBuilder({ opset });
      const x = g.input("x", "float32", [3, 4]);
      g.output(g.gelu(g.layerNormalization(x, g.floats([4], [1, 2, 3, 4]), g.floats([4], [0, 1, 0, 1]))), "y");
      const session = await InferenceSession.create(writeModel(modelOf(g.graph())));
      const feeds = {
        x: new RuntimeTensor(
          "float32",
          Float32Array.from({ length: 12 }, (_, index) => Math.sin(index)),
          [3, 4],
        ),
      };
      return Array.from((await session.run(feeds)).y?.data as Float32Array);
    };
    const [late, old] = [await values(20), await values(13)];
    late.forEach((value, index) => {
      assert.ok(Math.abs(value - (old[index] as number)) < 1e-5);
    });
  });

  test("equal constants are one, names are unique, wanted names are kept", () => {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", ["n", 3]);
    const first = g.mul(x, 2, "head");
    const second = g.mul(g.mul(x, 2), g.floats([], [2]), "head");
    g.output(second);
    assert.equal(first.name, "head");
    assert.equal(second.name, "head_1");
    const { initialisers, nodes } = g.graph();
    assert.equal(initialisers.size, 1);
    assert.equal(new Set(nodes.map(({ name }) => name)).size, nodes.length);
    assert.throws(() => g.input("head", "float32", []), GraphInvalid);
  });

  test("a shape that does not fit is refused where it is built, naming the node", () => {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", [2, 3]);
    assert.throws(
      () => g.matMul(x, x, "wrong"),
      (error) => error instanceof ShapeUnknown && error.node === "wrong",
    );
    assert.throws(() => g.add(x, g.floats([2], [1, 2])), /\[2, 3\] and \[2\] do not broadcast/);
    assert.throws(() => g.add(x, g.int64s([1, 2, 3])), /mix float32 and int64/);
  });

  test("building on where a read graph ends", async () => {
    const g = new GraphBuilder({ name: "trunk" });
    const x = g.input("x", "float32", ["batch", 3]);
    g.output(g.relu(g.matMul(x, g.initialiser("w", float32Tensor([3, 2], [1, 0, 0, 1, 1, 1])))), "features");
    const trunk = readModel(writeModel(modelOf(g.graph()))).graph;
    const more = GraphBuilder.from(trunk);
    const features = more.value("features");
    assert.deepEqual(features.type.shape, ["batch", 2]);
    more.output(more.div(features, more.reduceL2(features, [1])), "embedding");
    const session = await InferenceSession.create(writeModel(modelOf(more.graph())));
    const results = await session.run({ x: new RuntimeTensor("float32", [3, 4, 0], [1, 3]) });
    assert.deepEqual(
      Array.from(results.embedding?.data as Float32Array, (v) => v.toFixed(4)),
      ["0.6000", "0.8000"],
    );
    assert.deepEqual(Array.from(results.features?.data as Float32Array), [3, 4]);
  });

  test("a shape computed from a shape is known while building", () => {
    const g = new GraphBuilder();
    const x = g.input("x", "float32", ["batch", 3, 4]);
    const sizes = g.node("Shape", [x]);
    const shape = g.concat([g.gather(sizes, g.int64s([0])), g.int64s([12])], 0);
    assert.deepEqual(g.node("Reshape", [x, shape]).type.shape, ["batch", 12]);
    const tail = g.knownValue(g.gather(sizes, g.constant(int64List([1, 2]))));
    assert.deepEqual(tail && numbersOf(tail), [3, 4]);
  });
});
