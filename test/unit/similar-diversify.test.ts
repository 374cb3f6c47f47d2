import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diversify } from "../../src/similar/diversify.js";
import { createRandom } from "../support/random-catalog.js";

const random = createRandom(11);
const query = random.vector(6);
const vectors = Array.from({ length: 40 }, () => random.vector(6)).sort((a, b) => dot(query, b) - dot(query, a));
const similarities = vectors.map((vector) => dot(query, vector));
const inOrder = vectors.map((_, at) => at);

function dot(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, at) => sum + value * right[at]!, 0);
}

/** The definition, word by word. */
function byDefinition(diversity: number): number[] {
  const order = [0];
  while (order.length < vectors.length) {
    const worth = (item: number): number =>
      (1 - diversity) * similarities[item]! -
      diversity * Math.max(...order.map((above) => dot(vectors[above]!, vectors[item]!)));
    const left = inOrder.filter((item) => !order.includes(item));
    order.push(left.reduce((best, item) => (worth(item) > worth(best) ? item : best)));
  }
  return order;
}

describe("diversity", () => {
  it("is Maximal Marginal Relevance", () => {
    for (const diversity of [0.1, 0.3, 0.5, 0.9, 1]) {
      assert.deepEqual(diversify(similarities, vectors, diversity), byDefinition(diversity), `at ${diversity}`);
    }
  });

  it("of 0 leaves the order, and keeps it among equals", () => {
    assert.deepEqual(diversify(similarities, vectors, 0), inOrder);
    const alike = vectors.map(() => vectors[0]!);
    assert.deepEqual(
      diversify(
        alike.map(() => 0.5),
        alike,
        0.7,
      ),
      inOrder,
    );
  });

  it("puts copies last, and gives every item once", () => {
    const near = Float32Array.of(1, 0);
    const other = Float32Array.of(0.8, 0.6);
    assert.deepEqual(diversify([0.99, 0.98, 0.97, 0.7], [near, near, near, other], 0.7), [0, 3, 1, 2]);
    assert.deepEqual(diversify([], [], 0.5), []);
    assert.deepEqual(diversify([0.9, 0.8, 0.7], [near, undefined, near], 0.5), [0, 1, 2]);
  });
});
