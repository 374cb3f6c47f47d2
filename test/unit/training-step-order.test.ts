import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Graph, GraphBuilder } from "../../src/onnx/index.js";
import { lastLayerFirst, runtimeOrder } from "../../src/training/step-order.js";

/** Two layers back: dy → "dx" → "dx2", each with a gradient that nobody reads; the last layer's is emitted first. */
function backward(): Graph {
  const g = new GraphBuilder({ name: "backward" });
  const dy = g.exp(g.input("x", "float32", [2, 3]), "dy");
  g.output(g.neg(dy, "last"));
  const dx = g.tanh(dy, "dx");
  g.output(g.transpose(dx, [1, 0], "middle"));
  g.output(g.abs(g.sigmoid(dx, "dx2"), "first"));
  return g.graph();
}

const names = ({ nodes }: Graph) => nodes.map(({ name }) => name);

describe("the order in which a step runs", () => {
  it("as emitted, the runtime goes back through all layers first", () => {
    assert.deepEqual(names(runtimeOrder(backward())), ["dy", "dx", "dx2", "first", "middle", "last"]);
  });

  it("with the last layer's gradients at the end, each follows its own way back", () => {
    const ordered = lastLayerFirst(backward());
    assert.deepEqual(names(ordered), ["dy", "dx", "dx2", "first", "middle", "middle/pin", "last"]);
    assert.deepEqual(names(runtimeOrder(ordered)), ["dy", "last", "dx", "middle", "middle/pin", "dx2", "first"]);
    assert.deepEqual(ordered.outputs, backward().outputs);
  });
});
