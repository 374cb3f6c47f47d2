import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  averageInto,
  clipToNorm,
  createOptimiser,
  globalNorm,
  type OptimiserSpecification,
  rateShare,
  type Segment,
} from "../../src/training/optimisers/index.js";

const whole = (length: number): Segment[] => [{ from: 0, to: length, group: "trunk", decays: true }];
const rates = (rate: number) => ({ head: rate, trunk: rate });

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-6): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    assert.ok(
      Math.abs((actual[index] ?? Number.NaN) - value) <= tolerance,
      `${actual[index]} instead of ${value} at ${index}`,
    );
  }
}

describe("stochastic gradient descent", () => {
  it("gathers speed: two steps by hand", () => {
    const weights = Float32Array.of(1, -2);
    const sgd = createOptimiser({ name: "sgd", momentum: 0.5, weightDecay: 0.1 }, 2, whole(2));
    // v = g + .1 w = (.5 + .1, −.25 − .2) = (.6, −.45); w = w − .1 v
    sgd.step(weights, Float32Array.of(0.5, -0.25), rates(0.1));
    near(weights, [0.94, -1.955]);
    // v = .5 (.6, −.45) + (1, 0) + .1 (.94, −1.955) = (1.394, −.4205)
    sgd.step(weights, Float32Array.of(1, 0), rates(0.1));
    near(weights, [0.8006, -1.91295]);
  });

  it("by default has the momentum .2 of the first recipes and no decay", () => {
    const weights = Float32Array.of(0);
    const sgd = createOptimiser({ name: "sgd" }, 1, whole(1));
    for (let step = 0; step < 3; step++) sgd.step(weights, Float32Array.of(1), rates(1));
    near(weights, [-(1 + 1.2 + 1.24)]);
  });
});

describe("AdamW", () => {
  it("moves by the rate a step, whatever the size of a steady gradient", () => {
    const weights = Float32Array.of(1, 1, 1);
    const adam = createOptimiser({ name: "adamw", weightDecay: 0 }, 3, whole(3));
    for (let step = 0; step < 50; step++) adam.step(weights, Float32Array.of(1e-3, -20, 0), rates(0.01));
    near(weights, [0.5, 1.5, 1], 1e-4);
  });

  it("shrinks by the decay alone where there is no gradient", () => {
    const weights = Float32Array.of(2, -3);
    const adam = createOptimiser({ name: "adamw", weightDecay: 0.5 }, 2, whole(2));
    for (let step = 0; step < 10; step++) adam.step(weights, new Float32Array(2), rates(0.1));
    near(weights, [2 * 0.95 ** 10, -3 * 0.95 ** 10]);
  });

  it("follows algorithm 2 of the paper, written out in float64", () => {
    const settings = { name: "adamw", beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.05 } as const;
    const weights = Float32Array.of(0.7);
    const adam = createOptimiser(settings, 1, whole(1));
    let [w, m, v] = [Math.fround(0.7), 0, 0];
    for (let t = 1; t <= 20; t++) {
      const g = Math.sin(t);
      const rate = 0.1 / t;
      adam.step(weights, Float32Array.of(g), rates(rate));
      m = 0.8 * m + 0.2 * g;
      v = 0.95 * v + 0.05 * g * g;
      w -= rate * (m / (1 - 0.8 ** t) / (Math.sqrt(v / (1 - 0.95 ** t)) + 1e-3) + 0.05 * w);
    }
    near(weights, [w], 1e-5);
  });

  it("begins the bias correction of a group with its first step", () => {
    const segments: Segment[] = [
      { from: 0, to: 1, group: "head", decays: false },
      { from: 1, to: 2, group: "trunk", decays: false },
    ];
    const weights = Float32Array.of(0, 0);
    const adam = createOptimiser({ name: "adamw" }, 2, segments);
    for (let step = 0; step < 30; step++) adam.step(weights, Float32Array.of(1, 1), { head: 0.1, trunk: 0 });
    near(weights, [-3, 0], 1e-4);
    adam.step(weights, Float32Array.of(1, 1), { head: 0, trunk: 0.1 });
    near(weights, [-3, -0.1], 1e-4);
  });
});

describe("parameter groups", () => {
  it("move at their own rate, and biases do not decay", () => {
    const segments: Segment[] = [
      { from: 0, to: 2, group: "head", decays: true },
      { from: 2, to: 3, group: "head", decays: false },
      { from: 3, to: 4, group: "trunk", decays: true },
    ];
    const weights = Float32Array.of(1, 1, 1, 1);
    const sgd = createOptimiser({ name: "sgd", momentum: 0, weightDecay: 1 }, 4, segments);
    sgd.step(weights, Float32Array.of(1, 0, 1, 1), { head: 0.1, trunk: 0.01 });
    near(weights, [0.8, 0.9, 0.9, 0.98]);
  });
});

for (const specification of [{ name: "sgd" }, { name: "adamw" }] satisfies OptimiserSpecification[]) {
  it(`${specification.name} goes on from its memory bit by bit`, () => {
    const [a, b] = [Float32Array.of(1, 2, 3), Float32Array.of(1, 2, 3)];
    const first = createOptimiser(specification, 3, whole(3));
    first.step(a, Float32Array.of(0.1, 0.2, 0.3), rates(0.1));
    const saved = structuredClone(first.memory());
    b.set(a);
    const second = createOptimiser(specification, 3, whole(3));
    second.restore(saved);
    for (const optimiser of [first, second]) {
      const weights = optimiser === first ? a : b;
      for (let step = 0; step < 5; step++) optimiser.step(weights, Float32Array.of(-0.3, 0.1, step), rates(0.1));
    }
    assert.deepEqual(b, a);
    assert.throws(() => createOptimiser(specification, 4, whole(4)).restore(saved), RangeError);
  });
}

it("the schedule rises in a line, then falls in half a cosine", () => {
  const schedule = { warmUpSteps: 4, totalSteps: 12, finalShare: 0.1 };
  near(
    [0, 1, 2, 3, 4, 8, 12, 40].map((step) => rateShare(step, schedule)),
    [0.25, 0.5, 0.75, 1, 1, 0.55, 0.1, 0.1],
  );
  near(
    [0, 100].map((step) => rateShare(step)),
    [1, 1],
  );
  near(
    [0, 1, 100].map((step) => rateShare(step, { warmUpSteps: 2 })),
    [0.5, 1, 1],
  );
});

it("a gradient that is too long is shortened, a shorter one left alone", () => {
  const gradient = Float32Array.of(3, 4, 0, 12);
  assert.equal(globalNorm(gradient), 13);
  clipToNorm(gradient, 13, 26);
  assert.deepEqual(gradient, Float32Array.of(3, 4, 0, 12));
  clipToNorm(gradient, 13, 6.5);
  near(gradient, [1.5, 2, 0, 6]);
  assert.ok(Number.isNaN(globalNorm(Float32Array.of(1, Number.NaN))));
});

it("the average forgets its first weights soon, later it is slow", () => {
  const average = Float32Array.of(0);
  averageInto(average, Float32Array.of(1), 0.995, 0);
  near(average, [0.9]);
  averageInto(average, Float32Array.of(0), 0.995, 1e6);
  near(average, [0.9 * 0.995]);
});
