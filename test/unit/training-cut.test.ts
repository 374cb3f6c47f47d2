import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CutUnknown } from "../../src/autodiff/cut-graph.errors.js";
import { cutGraph } from "../../src/autodiff/cut-graph.js";
import { trainablesOf } from "../../src/autodiff/trainables.js";
import { checkGraph, float32Tensor, type Graph, GraphBuilder, inferShapes } from "../../src/onnx/index.js";
import { cutForBatch } from "../../src/training/cut-for-batch.js";
import { prepareEncoder } from "../../src/training/prepare-encoder.js";
import { clipTower, visionTransformer } from "../support/architectures/index.js";

const weight = (g: GraphBuilder, name: string, ...shape: number[]) =>
  g.initialiser(name, float32Tensor(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5)));

/** Three layers; the third reads the first one's result too. */
function skipping(): Graph {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [2, 4]);
  const first = g.relu(g.gemm(x, weight(g, "w1", 4, 4)), "first");
  const second = g.relu(g.gemm(first, weight(g, "w2", 4, 4)), "second");
  g.output(g.gemm(g.add(second, first), weight(g, "w3", 4, 4), undefined, { name: "third" }));
  return g.graph();
}

const operators = (graph: Graph) => graph.nodes.map(({ operator }) => operator);

describe("cutting a graph", () => {
  it("parts what is frozen from what trains", () => {
    const { trunk, tail, boundary, frozenOutputs } = cutGraph(inferShapes(skipping()), ["first"]);
    checkGraph(trunk);
    checkGraph(tail);
    assert.deepEqual(operators(trunk), ["Gemm", "Relu"]);
    assert.deepEqual(operators(tail), ["Gemm", "Relu", "Add", "Gemm"]);
    assert.deepEqual([...tail.initialisers.keys()], ["w2", "w3"]);
    assert.deepEqual(boundary, [{ name: "first", type: { elementType: "float32", shape: [2, 4] } }]);
    assert.deepEqual(frozenOutputs, []);
  });

  it("feeds an earlier value too where a later node reads it", () => {
    const { trunk, tail, boundary } = cutGraph(inferShapes(skipping()), ["second"]);
    checkGraph(tail);
    assert.deepEqual(
      boundary.map(({ name }) => name),
      ["first", "second"],
    );
    assert.deepEqual(
      trunk.outputs.map(({ name }) => name),
      ["first", "second"],
    );
    assert.deepEqual(operators(tail), ["Add", "Gemm"]);
  });

  it("at two values, one behind the other, trains what lies behind both", () => {
    const { trunk, tail, boundary } = cutGraph(inferShapes(skipping()), ["first", "second"]);
    assert.deepEqual(
      boundary.map(({ name }) => name),
      ["first", "second"],
    );
    assert.deepEqual([operators(trunk).length, operators(tail)], [4, ["Add", "Gemm"]]);
  });

  it("at the input leaves nothing frozen, at the output nothing to train", () => {
    const graph = inferShapes(skipping());
    const all = cutGraph(graph, ["x"]);
    assert.deepEqual([all.trunk.nodes.length, all.tail.nodes.length], [0, graph.nodes.length]);
    const none = cutGraph(graph, ["third"]);
    assert.deepEqual([none.tail.nodes.length, none.frozenOutputs], [0, ["third"]]);
  });

  it("names the closest values for one that does not exist", () => {
    const unknown = (cut: string) => (error: unknown) =>
      error instanceof CutUnknown && error.code === "CUT_UNKNOWN" && error.closest[0] === cut;
    assert.throws(() => cutGraph(inferShapes(skipping()), ["fist"]), unknown("first"));
    assert.throws(() => cutGraph(inferShapes(skipping()), ["Second"]), unknown("second"));
    // A weight is no place to cut at.
    assert.throws(() => cutGraph(inferShapes(skipping()), ["w1"]), CutUnknown);
  });
});

describe("choosing what trains", () => {
  it("takes parameters and leaves settings alone", () => {
    const g = new GraphBuilder();
    const image = g.input("image", "float32", [1, 3, 4, 4]);
    const prepared = g.mul(g.add(image, weight(g, "picture mean", 3, 1, 1)), weight(g, "picture scale", 3, 1, 1));
    const filtered = g.conv(prepared, weight(g, "filters", 3, 3, 1, 1), weight(g, "bias", 3));
    const normal = g.node("BatchNormalization", [
      filtered,
      ...["gamma", "beta", "mean", "variance"].map((name) => weight(g, name, 3)),
    ]);
    const sloped = g.node("PRelu", [normal, weight(g, "slope", 1)]);
    const bounded = g.node("Clip", [sloped, weight(g, "low"), weight(g, "high")]);
    const scaled = g.mul(g.add(bounded, weight(g, "epsilon")), weight(g, "layer scale", 1, 3, 1, 1));
    const mask = g.initialiser("mask", float32Tensor([4, 4], [0, -100, 0, 0, 0, 0, -100, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    g.output(g.add(scaled, mask));
    assert.deepEqual(trainablesOf(g.graph()), ["filters", "bias", "gamma", "beta", "slope", "layer scale"]);
    assert.deepEqual(trainablesOf(g.graph(), new Set(["filters"])), ["bias", "gamma", "beta", "slope", "layer scale"]);
  });

  for (const architecture of [visionTransformer, clipTower]) {
    it(`keeps one class token for all photos in ${architecture.name}`, async () => {
      const { graph, features, cuts } = architecture({ width: 8, heads: 2, depth: 3, patch: 8, side: 16 });
      const encoder = await prepareEncoder(
        { graph },
        cuts,
        features.map(({ value }) => value),
      );
      const { tail, boundary } = await cutForBatch(encoder, ["pixel_values"], 5);
      assert.deepEqual(tail.initialisers.get("cls_token")?.shape, [1, 1, 8]);
      const names = trainablesOf(tail);
      for (const name of ["cls_token", "position_embeddings", "patch_embedding.weight"])
        assert.ok(names.includes(name), name);
      assert.deepEqual(
        boundary.map(({ name }) => name),
        ["pixel_values"],
      );
      // Shape arithmetic is gone, and only what depends on the cut is fed.
      const later = await cutForBatch(encoder, [cuts[1] ?? ""], 5);
      assert.deepEqual(
        later.boundary.map(({ name }) => name),
        [cuts[1]],
      );
      assert.ok(!operators(later.tail).includes("Shape"));
    });
  }
});
