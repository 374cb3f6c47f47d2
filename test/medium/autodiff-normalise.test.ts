import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import {
  foldBatchNormalization,
  normalise,
  removeIdentities,
  widenHalfWeights,
} from "../../src/autodiff/normalise/index.js";
import {
  attribute,
  boolTensor,
  checkGraph,
  float32Tensor,
  type Graph,
  GraphBuilder,
  inferShapes,
  modelOf,
  tensorFromNumbers,
  type Value,
  writeModel,
} from "../../src/onnx/index.js";
import { tinyExports } from "../support/onnx-exports.js";

const operators = (graph: Graph) => graph.nodes.map(({ operator }) => operator);

describe("folding BatchNormalization", () => {
  test("into a convolution with bias, without, grouped; weights keep their names", async () => {
    const graph = build((g, x) => {
      const first = normalized(
        g,
        g.conv(x, weight(g, "w1", 4, 3, 3, 3), weight(g, "b1", 4), { name: "conv1" }),
        4,
        "one",
      );
      const second = g.conv(g.relu(first), weight(g, "w2", 4, 1, 3, 3), undefined, { group: 4, strides: [2, 2] });
      return normalized(g, second, 4, "two");
    });
    const folded = await agrees(graph, foldBatchNormalization);
    assert.deepEqual(operators(folded), ["Conv", "Relu", "Conv", "Identity"]);
    assert.deepEqual([...folded.initialisers.keys()].sort(), ["b1", "w1", "w2", "w2.bias"]);
    assert.deepEqual(folded.nodes[0]?.outputs, ["one"]);
  });

  test("a filter that two convolutions share is folded for each", async () => {
    const graph = build((g, x) => {
      const shared = weight(g, "shared", 3, 3, 1, 1);
      const first = normalized(g, g.conv(x, shared), 3, "one");
      return normalized(g, g.conv(first, shared), 3, "two");
    });
    const folded = await agrees(graph, foldBatchNormalization);
    assert.deepEqual(operators(folded), ["Conv", "Conv", "Identity"]);
  });

  test("where the convolution's own result is read too, and before a convolution, it becomes Mul and Add", async () => {
    const graph = build((g, x) => {
      const conv = g.conv(normalized(g, x, 3, "before"), weight(g, "w", 4, 3, 3, 3));
      return g.add(normalized(g, conv, 4, "after"), conv);
    });
    const folded = await agrees(graph, foldBatchNormalization);
    assert.deepEqual(operators(folded), ["Mul", "Add", "Conv", "Mul", "Add", "Add", "Identity"]);
  });

  test("of a matrix", async () => {
    const graph = build((g, x) => normalized(g, g.flatten(g.globalAveragePool(x)), 3, "flat"));
    await agrees(graph, foldBatchNormalization);
  });
});

describe("removing what passes values on", () => {
  test("Identity, Dropout and casts to the same type go, chains of them too", async () => {
    const graph = build((g, x) => {
      const [dropped] = g.nodes("Dropout", [g.identity(g.identity(x))]) as [Value];
      const off = g.node("Dropout", [g.cast(dropped, "float32"), g.scalar(0.5), g.constant(boolTensor([], [false]))]);
      return g.relu(off);
    });
    const removed = await agrees(graph, removeIdentities);
    assert.deepEqual(operators(removed), ["Relu"]);
    assert.deepEqual(removed.nodes[0]?.inputs, ["image"]);
    assert.deepEqual(removed.nodes[0]?.outputs, ["result"]);
  });

  test("an output that is an input, or another output, keeps its Identity; other readers follow a renamed value", async () => {
    const graph = build((g, x) => {
      g.output(x, "same as the image");
      const relu = g.relu(x);
      g.output(relu, "first");
      g.output(relu, "second");
      return g.add(relu, 1);
    });
    const removed = await agrees(graph, removeIdentities);
    assert.deepEqual(operators(removed).sort(), ["Add", "Identity", "Identity", "Relu"]);
  });

  test("a Dropout that is switched on, or whose mask is read, stays; so does a cast that changes the type", async () => {
    const graph = build((g, x) => {
      const on = g.node("Dropout", [x, g.scalar(0.5), g.constant(boolTensor([], [true]))]);
      const [dropped, mask] = g.nodes("Dropout", [x], {}, { outputs: 2 }) as [Value, Value];
      g.output(g.cast(mask, "float32"), "mask");
      return g.add(g.add(on, dropped), g.cast(g.cast(x, "float64"), "float32"));
    });
    const count = (wanted: string) =>
      operators(removeIdentities(graph)).filter((operator) => operator === wanted).length;
    assert.equal(count("Dropout"), 2);
    assert.equal(count("Cast"), 3);
  });
});

describe("widening half-precision weights", () => {
  for (const elementType of ["float16", "bfloat16", "float64"] as const) {
    test(`${elementType} behind Cast becomes float32 under its own name`, async () => {
      const graph = build((g, x) => {
        const narrow = g.initialiser("narrow", tensorFromNumbers(elementType, [3, 1, 1], [0.1, 0.2, 3]));
        return g.mul(x, g.cast(narrow, "float32"));
      });
      const widened = await agrees(graph, widenHalfWeights);
      assert.deepEqual(operators(widened), ["Mul", "Identity"]);
      assert.equal(widened.initialisers.get("narrow")?.elementType, "float32");
    });
  }

  test("a weight that is read in its narrow form too stays beside the wide one", async () => {
    const graph = build((g, x) => {
      const narrow = g.initialiser("narrow", tensorFromNumbers("float16", [3, 1, 1], [0.1, 0.2, 3]));
      g.output(g.node("Shape", [narrow]), "shape");
      return g.mul(x, g.cast(narrow, "float32"));
    });
    const widened = await agrees(graph, widenHalfWeights);
    assert.deepEqual([...widened.initialisers.keys()].sort(), ["narrow", "narrow.float32"]);
  });
});

describe("the whole normalisation", () => {
  for (const [title, make] of Object.entries(tinyExports)) {
    for (const opset of [14, 18, 21]) {
      test(`${title} (version ${opset})`, async () => {
        const graph = make(opset);
        const normal = await normalise(graph, { batch: 2 });
        const left = new Set(operators(normal));
        for (const gone of ["BatchNormalization", "Dropout", "Shape", "Cast", "Identity"])
          assert.ok(!left.has(gone), gone);
        for (const { shape } of normal.valueTypes.values()) assert.ok(shape.every((size) => typeof size === "number"));
        close(await run(normal, 16), await run(graph, 16));
      });
    }
  }
});

/** A graph with an image [2, 3, 8, 8] as input and one output, "result". */
function build(body: (g: GraphBuilder, image: Value) => Value): Graph {
  const g = new GraphBuilder({ name: "sample", opset: 17 });
  g.output(body(g, g.input("image", "float32", [2, 3, 8, 8])), "result");
  return g.graph();
}

function normalized(g: GraphBuilder, x: Value, channels: number, name: string): Value {
  const statistics = ["gamma", "beta", "mean"].map((what) => weight(g, `${name}.${what}`, channels));
  const variance = g.initialiser(
    `${name}.variance`,
    float32Tensor(
      [channels],
      Array.from({ length: channels }, (_, i) => i + 0.3),
    ),
  );
  return g.node("BatchNormalization", [x, ...statistics, variance], { epsilon: attribute.float(1e-3) }, name);
}

function weight(g: GraphBuilder, name: string, ...shape: number[]): Value {
  const length = shape.reduce((product, size) => product * size, 1);
  return g.initialiser(
    name,
    float32Tensor(
      shape,
      Float32Array.from({ length }, (_, i) => Math.sin(i * 1.3 + name.length)),
    ),
  );
}

/** Runs a pass; the result has to be sound and to compute the same. */
async function agrees(graph: Graph, pass: (graph: Graph) => Graph): Promise<Graph> {
  const after = inferShapes(pass(inferShapes(graph)));
  checkGraph(after);
  assert.deepEqual(after.outputs, inferShapes(graph).outputs);
  close(await run(after), await run(graph));
  return after;
}

async function run(graph: Graph, size = 8): Promise<Map<string, number[]>> {
  // The runtime's own optimiser is off: it would do the same foldings.
  const options = { logSeverityLevel: 3, graphOptimizationLevel: "disabled" } as const;
  const session = await InferenceSession.create(writeModel(modelOf(graph)), options);
  const image = Float32Array.from({ length: 2 * 3 * size * size }, (_, index) => Math.sin(index));
  const results = await session.run({ image: new RuntimeTensor("float32", image, [2, 3, size, size]) });
  await session.release();
  return new Map(Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]));
}

function close(actual: ReadonlyMap<string, number[]>, expected: ReadonlyMap<string, number[]>): void {
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [name, numbers] of expected) {
    numbers.forEach((number, index) => {
      const other = actual.get(name)?.[index] as number;
      assert.ok(
        Math.abs(other - number) <= 1e-4 * Math.max(1, Math.abs(number)),
        `${name}[${index}]: ${other}, ${number}`,
      );
    });
  }
}
