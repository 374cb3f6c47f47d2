import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bindDimensions,
  checkGraph,
  DynamicControlFlow,
  float32Tensor,
  type Graph,
  GraphBuilder,
  GraphInvalid,
  inferShapes,
  type Node,
  OnnxFeatureUnsupported,
  openDimensions,
  printGraph,
  pruneGraph,
  QuantisedGraph,
  ShapeUnknown,
} from "../../src/onnx/index.js";

function sample(): Graph {
  const builder = new GraphBuilder({ name: "sample" });
  const x = builder.input("x", "float32", ["batch", 3]);
  const weight = builder.initialiser("weight", float32Tensor([3, 2], [1, 2, 3, 4, 5, 6]));
  builder.output(builder.relu(builder.matMul(x, weight, "product"), "y"));
  return builder.graph();
}

const node = (change: Partial<Node>): Node => ({
  name: "added",
  operator: "Relu",
  domain: "",
  inputs: ["x"],
  outputs: ["z"],
  attributes: new Map(),
  ...change,
});
const withNode = (change: Partial<Node>): Graph => ({ ...sample(), nodes: [...sample().nodes, node(change)] });

test("a sound graph passes", () => checkGraph(sample()));

const broken: Record<string, [Graph, RegExp]> = {
  "a value made twice": [withNode({ outputs: ["product"] }), /"product" is made twice/],
  "a node that makes an input": [withNode({ outputs: ["x"] }), /"x" is made twice/],
  "a node that makes a weight": [withNode({ outputs: ["weight"] }), /"weight" is made twice/],
  "a dangling input": [withNode({ inputs: ["gone"] }), /reads "gone", which is made nowhere/],
  "nodes out of order": [
    { ...sample(), nodes: sample().nodes.toReversed() },
    /reads "product", which is made only later/,
  ],
  "a node that feeds itself": [withNode({ inputs: ["z"] }), /reads "z", which is made only later/],
  "an operator set without version": [withNode({ domain: "com.microsoft" }), /"com.microsoft"/],
  "an output nobody makes": [
    { ...sample(), outputs: [{ name: "gone", type: undefined }] },
    /output "gone" is (nowhere made|made nowhere)/,
  ],
  "no outputs": [{ ...sample(), outputs: [] }, /no outputs/],
  "an output of another shape": [
    { ...sample(), outputs: [{ name: "y", type: { elementType: "float32", shape: ["n", 3] } }] },
    /declared float32\[n, 3\] and comes out as float32\[batch, 2\]/,
  ],
  "an output of another element type": [
    { ...sample(), outputs: [{ name: "y", type: { elementType: "int64", shape: ["n", 2] } }] },
    /declared int64/,
  ],
  "a constant of the wrong length": [
    {
      ...sample(),
      initialisers: new Map([["weight", { elementType: "float32", shape: [3, 2], data: new Uint8Array(8) }]]),
    },
    /"weight" has 8 bytes, not 24/,
  ],
};
for (const [title, [graph, message]] of Object.entries(broken)) {
  test(`${title} is found`, () => {
    assert.throws(
      () => checkGraph(graph),
      (error) => error instanceof GraphInvalid && message.test(error.message),
    );
  });
}

test("operator sets that are not known say which are", () => {
  assert.throws(
    () => checkGraph({ ...sample(), opset: 11 }),
    (error) => {
      return error instanceof OnnxFeatureUnsupported && /version 11.*13 to 21/.test(error.message);
    },
  );
});

test("what cannot be trained is told apart and named", () => {
  const refuses = (
    change: Partial<Node>,
    error: typeof DynamicControlFlow | typeof QuantisedGraph | typeof ShapeUnknown,
  ) => {
    assert.throws(
      () => checkGraph(withNode({ name: "/block/that one", ...change })),
      (thrown) => {
        assert.ok(thrown instanceof error, String(thrown));
        assert.match(thrown.message, /\/block\/that one/);
        return true;
      },
    );
  };
  for (const operator of ["If", "Loop", "Scan"]) refuses({ operator }, DynamicControlFlow);
  for (const operator of ["QLinearConv", "DequantizeLinear", "MatMulInteger"]) refuses({ operator }, QuantisedGraph);
  refuses({ operator: "NonMaxSuppression" }, ShapeUnknown);
  refuses({ operator: "MatMul", inputs: ["x", "x"] }, ShapeUnknown);
});

test("a shape that depends on an input's content names the node and the value", () => {
  const graph = sample();
  const inputs = [...graph.inputs, { name: "shape", type: { elementType: "int64", shape: [2] } as const }];
  const nodes = [...graph.nodes, node({ operator: "Reshape", name: "free", inputs: ["x", "shape"] })];
  assert.throws(() => inferShapes({ ...graph, inputs, nodes }), /Reshape \(node "free"\).*"shape"/);
});

test("binding a size makes every shape static; a name that is not there is refused with those that are", () => {
  assert.deepEqual(openDimensions(sample()), ["batch"]);
  const bound = inferShapes(bindDimensions(sample(), { batch: 4 }));
  assert.deepEqual(openDimensions(bound), []);
  assert.deepEqual(bound.outputs[0]?.type, { elementType: "float32", shape: [4, 2] });
  assert.deepEqual(bound.valueTypes.get("product")?.shape, [4, 2]);
  assert.throws(() => bindDimensions(sample(), { N: 4 }), /"N"; it has batch/);
});

test("pruning to a value in the middle drops what comes after and weights that nobody reads", () => {
  const graph = withNode({ operator: "MatMul", inputs: ["x", "spare"] });
  const spare = float32Tensor([3, 1], [1, 2, 3]);
  const whole = { ...graph, initialisers: new Map([...graph.initialisers, ["spare", spare]]) };
  const pruned = pruneGraph({ ...whole, outputs: [{ name: "product", type: undefined }] });
  assert.deepEqual(
    pruned.nodes.map(({ name }) => name),
    ["product"],
  );
  assert.deepEqual([...pruned.initialisers.keys()], ["weight"]);
  checkGraph(inferShapes(pruned));
});

test("a graph prints as text that can be read", () => {
  assert.equal(
    printGraph(sample()),
    [
      "graph sample (opset 18)",
      "  input  x: float32[batch, 3]",
      "  weight weight: float32[3, 2] = 1, 2, 3, 4, 5, 6",
      "  product: float32[batch, 2] = MatMul(x, weight)",
      "  y: float32[batch, 2] = Relu(product)",
      "  output y: float32[batch, 2]",
      "",
    ].join("\n"),
  );
});
