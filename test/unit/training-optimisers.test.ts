import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  averageInto,
  clipToNorm,
  createFlatMemory,
  createOptimiser,
  type FlatMemory,
  globalNorm,
  type OptimiserSpecification,
  plainFlatMemory,
  rateShare,
  type Segment,
} from "../../src/training/optimisers/index.js";

const whole = (length: number): Segment[] => [{ from: 0, to: length, group: "trunk", decays: true }];
const rates = (rate: number) => ({ head: rate, trunk: rate });

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-6): void {
  for (const [index, value] of expected.entries()) {
    const error = Math.abs((actual[index] ?? Number.NaN) - value);
    assert.ok(error <= tolerance, `${actual[index]} instead of ${value} at ${index}`);
  }
}

/** Every loop is proved twice: compiled, and as it is defined. */
const memories: Readonly<Record<string, (length: number) => FlatMemory>> = {
  "compiled loops": (length) => createFlatMemory(length, 5),
  "plain loops": plainFlatMemory,
};

for (const [title, memoryOf] of Object.entries(memories)) {
  /** Arrays of one memory, and an optimiser over them. */
  const begin = (specification: OptimiserSpecification, values: readonly number[], segments = whole(values.length)) => {
    const memory = memoryOf(values.length);
    const [weights, gradient] = [memory.array(), memory.array()];
    weights.set(values);
    const optimiser = createOptimiser(specification, memory, segments);
    const step = (slopes: readonly number[], given = rates(0.1)) => {
      gradient.set(slopes);
      optimiser.step(weights, gradient, given);
    };
    return { weights, optimiser, step };
  };

  describe(`stochastic gradient descent, ${title}`, () => {
    it("gathers speed: two steps by hand", () => {
      const { weights, step } = begin({ name: "sgd", momentum: 0.5, weightDecay: 0.1 }, [1, -2]);
      // v = g + .1 w = (.5 + .1, −.25 − .2) = (.6, −.45); w = w − .1 v
      step([0.5, -0.25]);
      near(weights, [0.94, -1.955]);
      // v = .5 (.6, −.45) + (1, 0) + .1 (.94, −1.955) = (1.394, −.4205)
      step([1, 0]);
      near(weights, [0.8006, -1.91295]);
    });

    it("by default has the momentum .2 of the first recipes and no decay", () => {
      const { weights, step } = begin({ name: "sgd" }, [0]);
      for (let count = 0; count < 3; count++) step([1], rates(1));
      near(weights, [-(1 + 1.2 + 1.24)]);
    });

    it("moves groups at their own rate, and lets biases not decay", () => {
      const segments: Segment[] = [
        { from: 0, to: 2, group: "head", decays: true },
        { from: 16, to: 17, group: "head", decays: false },
        { from: 32, to: 33, group: "trunk", decays: true },
      ];
      const values = Array.from({ length: 48 }, (_, index) => (index < 2 || index === 16 || index === 32 ? 1 : 0));
      const { weights, step } = begin({ name: "sgd", momentum: 0, weightDecay: 1 }, values, segments);
      step(
        values.map((value, index) => (index === 1 ? 0 : value)),
        { head: 0.1, trunk: 0.01 },
      );
      near(
        weights,
        values.map((_, index) => ({ 0: 0.8, 1: 0.9, 16: 0.9, 32: 0.98 })[index] ?? 0),
      );
    });
  });

  describe(`AdamW, ${title}`, () => {
    it("moves by the rate a step, whatever the size of a steady gradient", () => {
      const { weights, step } = begin({ name: "adamw", weightDecay: 0 }, [1, 1, 1]);
      for (let count = 0; count < 50; count++) step([1e-3, -20, 0], rates(0.01));
      near(weights, [0.5, 1.5, 1], 1e-4);
    });

    it("shrinks by the decay alone where there is no gradient", () => {
      const { weights, step } = begin({ name: "adamw", weightDecay: 0.5 }, [2, -3]);
      for (let count = 0; count < 10; count++) step([0, 0]);
      near(weights, [2 * 0.95 ** 10, -3 * 0.95 ** 10], 1e-5);
    });

    it("follows algorithm 2 of the paper, written out in float64", () => {
      const settings = { name: "adamw", beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.05 } as const;
      const { weights, step } = begin(settings, [0.7]);
      let [w, m, v] = [Math.fround(0.7), 0, 0];
      for (let t = 1; t <= 20; t++) {
        const g = Math.sin(t);
        step([g], rates(0.1 / t));
        m = 0.8 * m + 0.2 * g;
        v = 0.95 * v + 0.05 * g * g;
        w -= (0.1 / t) * (m / (1 - 0.8 ** t) / (Math.sqrt(v / (1 - 0.95 ** t)) + 1e-3) + 0.05 * w);
      }
      near(weights, [w], 1e-5);
    });

    it("begins the bias correction of a group with its first step", () => {
      const segments: Segment[] = [
        { from: 0, to: 1, group: "head", decays: false },
        { from: 16, to: 17, group: "trunk", decays: false },
      ];
      const slopes = Array.from({ length: 32 }, (_, index) => (index % 16 === 0 ? 1 : 0));
      const { weights, step } = begin({ name: "adamw" }, new Array<number>(32).fill(0), segments);
      for (let count = 0; count < 30; count++) step(slopes, { head: 0.1, trunk: 0 });
      near([weights[0] ?? 0, weights[16] ?? 0], [-3, 0], 1e-4);
      step(slopes, { head: 0, trunk: 0.1 });
      near([weights[0] ?? 0, weights[16] ?? 0], [-3, -0.1], 1e-4);
    });
  });

  for (const specification of [{ name: "sgd" }, { name: "adamw" }] satisfies OptimiserSpecification[]) {
    it(`${specification.name} goes on from its memory bit by bit, ${title}`, () => {
      const first = begin(specification, [1, 2, 3]);
      first.step([0.1, 0.2, 0.3]);
      const second = begin(specification, [...first.weights]);
      second.optimiser.restore(structuredClone(first.optimiser.memory()));
      for (const { step } of [first, second]) for (let count = 0; count < 5; count++) step([-0.3, 0.1, count]);
      assert.deepEqual([...second.weights], [...first.weights]);
      assert.throws(() => begin(specification, [1, 2, 3, 4]).optimiser.restore(first.optimiser.memory()), RangeError);
    });
  }

  it(`a gradient that is too long is shortened, a shorter one left alone, ${title}`, () => {
    const memory = memoryOf(5);
    const gradient = memory.array();
    gradient.set([3, 4, 0, 0, 12]);
    assert.equal(globalNorm(memory, gradient), 13);
    clipToNorm(memory, gradient, 13, 26);
    assert.deepEqual([...gradient], [3, 4, 0, 0, 12]);
    clipToNorm(memory, gradient, 13, 6.5);
    near(gradient, [1.5, 2, 0, 0, 6]);
    gradient[4] = Number.NaN;
    assert.ok(Number.isNaN(globalNorm(memory, gradient)));
  });

  it(`the average forgets its first weights soon, later it is slow, ${title}`, () => {
    const memory = memoryOf(1);
    const [average, weights] = [memory.array(), memory.array()];
    weights[0] = 1;
    averageInto(memory, average, weights, 0.995, 0);
    near(average, [0.9]);
    weights[0] = 0;
    averageInto(memory, average, weights, 0.995, 1e6);
    near(average, [0.9 * 0.995]);
  });
}

it("compiled and plain loops agree over many weights", () => {
  const length = 1000;
  const segments: Segment[] = [
    { from: 0, to: 333, group: "head", decays: true },
    { from: 336, to: 997, group: "trunk", decays: false },
  ];
  for (const name of ["sgd", "adamw"] as const) {
    const results = Object.values(memories).map((memoryOf) => {
      const random = xoroshiro128plus(8);
      const memory = memoryOf(length);
      const [weights, gradient] = [memory.array(), memory.array()];
      const optimiser = createOptimiser({ name, weightDecay: 0.01 }, memory, segments);
      for (let count = 0; count < 10; count++) {
        for (const { from, to } of segments) {
          for (let index = from; index < to; index++) gradient[index] = 2 * uniformFloat64(random) - 1;
        }
        optimiser.step(weights, gradient, { head: 0.1, trunk: 0.05 });
      }
      return weights;
    });
    near(results[0] ?? [], [...(results[1] ?? [])], 2e-5);
    assert.deepEqual([...(results[0] ?? [])].slice(333, 336), [0, 0, 0]);
  }
});

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

it("the committed kernel is what its source compiles to", async (t) => {
  const root = packageRoot();
  let compileKernel: (name: string) => Promise<string>;
  try {
    const compiler = pathToFileURL(path.join(root, "kernels", "compile.mjs")).href;
    ({ compileKernel } = (await import(compiler)) as { compileKernel: (name: string) => Promise<string> });
  } catch (error) {
    t.skip(`skipped: the AssemblyScript compiler is not installed (${String(error)})`);
    return;
  }
  const committed = path.join(root, "src", "training", "optimisers", "optimise-kernel.wasm.ts");
  assert.equal(readFileSync(committed, "utf8"), await compileKernel("optimise"));
});

function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "kernels"))) folder = path.dirname(folder);
  return folder;
}
