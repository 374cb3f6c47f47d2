import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { differentiate } from "../../src/autodiff/differentiate.js";
import { cpuLowering, lowerForCpu, probeCpuLowering } from "../../src/autodiff/lowering/index.js";
import { nameOutputs } from "../../src/autodiff/name-outputs.js";
import { type ConvSettings, elementCount, type Graph, GraphBuilder, type Value } from "../../src/onnx/index.js";
import { withoutInternalOperators } from "../support/blocked-operators.js";
import { runGraph } from "../support/run-graph.js";

let lower: (graph: Graph) => Graph;
let usable = false;
before(async () => {
  usable = (await probeCpuLowering()).usable;
  lower = await cpuLowering();
});

type Build = (x: Value, weight: (...shape: number[]) => Value, g: GraphBuilder) => Value;

/** The gradients of Σ y² · c with respect to x and every weight, c growing along the tensor so that no two agree. */
function step(shape: readonly number[], build: Build): Graph {
  const g = new GraphBuilder();
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
  const sizes = y.type.shape.map(Number);
  const slope = Float32Array.from({ length: elementCount(sizes) }, (_, at) => 0.5 + (at % 7) / 7);
  const loss = g.reduceMean(g.mul(g.mul(y, y), g.floats(sizes, slope)), undefined, false);
  const { builder, gradients } = differentiate(
    g.graph(),
    loss.name,
    [x, ...weights].map(({ name }) => name),
  );
  const wanted = new Map([["loss", loss.name]]);
  for (const [name, value] of gradients) wanted.set(`gradient/${name}`, value.name);
  return nameOutputs(builder.graph(), wanted);
}

const run = (graph: Graph) => runGraph(graph, 7);

/** Lowered equals plain within 1e-3 of each tensor's length. */
async function compare(graph: Graph, lowered = lower(graph)): Promise<void> {
  const [wanted, got] = [await run(graph), await run(lowered)];
  assert.deepEqual([...got.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, values] of wanted) {
    const other = got.get(name) ?? new Float32Array();
    assert.equal(other.length, values.length, name);
    let [difference, length] = [0, 0];
    for (const [at, value] of values.entries()) {
      difference += (value - (other[at] ?? Number.NaN)) ** 2;
      length += value ** 2;
    }
    assert.ok(length > 0, `${name} is all zeros: the sample proves nothing`);
    const relative = Math.sqrt(difference / length);
    assert.ok(relative < 1e-3, `${name} is off by ${relative}`);
  }
}

const internal = (graph: Graph) => graph.nodes.filter(({ domain }) => domain === "com.microsoft.nchwc").length;

const conv =
  (filter: readonly [number, number, number, number], settings: ConvSettings = {}, bias = true): Build =>
  (x, weight, g) => {
    const w = weight(...filter);
    return g.conv(x, w, bias ? weight(filter[0]) : undefined, settings);
  };
const same = { pads: [1, 1, 1, 1] };

/** Image, then what is done to it. `blocked: false` marks what has no blocked kernel and has to stay plain. */
const samples: Record<string, { shape: number[]; build: Build; blocked?: false }> = {
  "3 × 3": { shape: [2, 16, 7, 9], build: conv([32, 16, 3, 3], same) },
  "3 × 3 without bias and padding": { shape: [2, 16, 7, 9], build: conv([32, 16, 3, 3], {}, false) },
  "channels that fill no block": { shape: [2, 20, 6, 6], build: conv([37, 20, 3, 3], same) },
  "channels that are no multiple of four": { shape: [3, 17, 6, 5], build: conv([19, 17, 3, 3], same) },
  "three channels": { shape: [2, 3, 11, 11], build: conv([32, 3, 3, 3], { ...same, strides: [2, 2] }) },
  "7 × 7, stride 2, as ResNet begins": {
    shape: [2, 3, 21, 21],
    build: conv([64, 3, 7, 7], { pads: [3, 3, 3, 3], strides: [2, 2] }),
  },
  "stride 2 on an even size": { shape: [2, 32, 8, 8], build: conv([16, 32, 3, 3], { ...same, strides: [2, 2] }) },
  "stride 2 on an odd size": { shape: [2, 32, 9, 7], build: conv([16, 32, 3, 3], { ...same, strides: [2, 2] }) },
  "strides that leave columns over": { shape: [2, 16, 8, 9], build: conv([16, 16, 3, 3], { strides: [3, 2] }) },
  "uneven strides": { shape: [2, 16, 9, 9], build: conv([16, 16, 3, 3], { ...same, strides: [1, 2] }) },
  "5 × 5, stride 2, odd": {
    shape: [2, 16, 9, 11],
    build: conv([20, 16, 5, 5], { pads: [2, 2, 2, 2], strides: [2, 2] }),
  },
  "3 × 3, stride 3, uneven padding": {
    shape: [2, 16, 10, 8],
    build: conv([16, 16, 3, 3], { pads: [1, 0, 2, 1], strides: [3, 3] }),
  },
  "4 × 4, stride 2, without padding": { shape: [2, 16, 11, 10], build: conv([16, 16, 4, 4], { strides: [2, 2] }) },
  "stride wider than the kernel": { shape: [2, 16, 11, 10], build: conv([16, 16, 2, 2], { strides: [3, 3] }) },
  "strided and dilated": {
    shape: [2, 16, 11, 10],
    build: conv([16, 16, 3, 3], { pads: [2, 2, 2, 2], strides: [2, 2], dilations: [2, 2] }),
  },
  "padding as TensorFlow exports it": {
    shape: [2, 16, 8, 8],
    build: conv([16, 16, 3, 3], { pads: [0, 0, 1, 1], strides: [2, 2] }),
  },
  dilation: { shape: [2, 16, 9, 9], build: conv([16, 16, 3, 3], { pads: [2, 2, 2, 2], dilations: [2, 2] }) },
  "1 × 5 kernel": { shape: [2, 16, 6, 9], build: conv([16, 16, 1, 5], { pads: [0, 2, 0, 2] }) },
  "1 × 1 widening": { shape: [2, 16, 9, 9], build: conv([48, 16, 1, 1]) },
  "1 × 1 narrowing": { shape: [2, 48, 9, 9], build: conv([16, 48, 1, 1]) },
  "1 × 1 on a small map": { shape: [4, 64, 2, 2], build: conv([96, 64, 1, 1]) },
  "1 × 1 narrowing on a small map": { shape: [4, 100, 2, 3], build: conv([52, 100, 1, 1]) },
  "1 × 1, stride 2": { shape: [2, 32, 8, 8], build: conv([64, 32, 1, 1], { strides: [2, 2] }) },
  "1 × 1, stride 2, odd": { shape: [2, 32, 7, 9], build: conv([64, 32, 1, 1], { strides: [2, 2] }) },
  "padding wider than the kernel": {
    shape: [2, 16, 5, 5],
    build: conv([16, 16, 1, 1], { pads: [1, 1, 1, 1] }),
  },
  depthwise: { shape: [2, 32, 7, 7], build: conv([32, 1, 3, 3], { ...same, group: 32 }) },
  "depthwise, stride 2": {
    shape: [3, 24, 8, 8],
    build: conv([24, 1, 3, 3], { ...same, group: 24, strides: [2, 2] }),
  },
  "depthwise, stride 2, odd": {
    shape: [3, 24, 9, 7],
    build: conv([24, 1, 3, 3], { ...same, group: 24, strides: [2, 2] }),
  },
  "depthwise, columns left over": {
    shape: [2, 16, 8, 8],
    build: conv([16, 1, 3, 3], { group: 16, strides: [2, 2] }),
  },
  "depthwise 5 × 5": { shape: [2, 20, 9, 9], build: conv([20, 1, 5, 5], { pads: [2, 2, 2, 2], group: 20 }) },
  "depthwise, dilated": {
    shape: [2, 16, 9, 9],
    build: conv([16, 1, 3, 3], { pads: [2, 2, 2, 2], dilations: [2, 2], group: 16 }),
  },
  groups: { shape: [2, 32, 6, 6], build: conv([32, 8, 3, 3], { ...same, group: 4 }), blocked: false },
  "depthwise with a multiplier": {
    shape: [2, 16, 6, 6],
    build: conv([32, 1, 3, 3], { ...same, group: 16 }),
    blocked: false,
  },
  "ReLU, clipping at 6, and clipping from below zero": {
    shape: [2, 20, 6, 6],
    build: (x, weight, g) => {
      const a = g.relu(g.conv(g.mul(x, 9), weight(24, 20, 3, 3), weight(24), same));
      const b = g.clip(g.conv(a, weight(24, 24, 3, 3), weight(24), same), 0, 6);
      return g.clip(g.conv(b, weight(24, 24, 1, 1), weight(24)), -0.5, 0.25);
    },
  },
  "residual whose sum is read twice": {
    shape: [2, 24, 6, 6],
    build: (x, weight, g) => {
      const a = g.conv(x, weight(24, 24, 3, 3), undefined, same);
      const sum = g.relu(g.add(a, x));
      return g.add(g.conv(sum, weight(24, 24, 1, 1)), sum);
    },
  },
  "squeeze and excitation": {
    shape: [2, 32, 6, 6],
    build: (x, weight, g) => {
      const a = g.hardSwish(g.conv(x, weight(32, 1, 3, 3), weight(32), { ...same, group: 32 }));
      const squeezed = g.relu(g.conv(g.globalAveragePool(a), weight(8, 32, 1, 1), weight(8)));
      return g.conv(g.mul(a, g.sigmoid(g.conv(squeezed, weight(32, 8, 1, 1), weight(32)))), weight(16, 32, 1, 1));
    },
  },
  pooling: {
    shape: [2, 3, 17, 17],
    build: (x, weight, g) => {
      const a = g.relu(g.conv(x, weight(32, 3, 3, 3), weight(32), { ...same, strides: [2, 2] }));
      const b = g.maxPool(a, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      const c = g.conv(b, weight(48, 32, 1, 1));
      return g.reduceMean(g.averagePool(c, { kernel: [2, 2], strides: [1, 1] }), [2, 3]);
    },
  },
  "max pooling whose windows do not touch": {
    shape: [2, 16, 8, 6],
    build: (x, weight, g) =>
      g.conv(g.maxPool(g.conv(x, weight(20, 16, 1, 1)), { kernel: [2, 2], strides: [2, 2] }), weight(16, 20, 1, 1)),
  },
  "max pooling of every place, uneven": {
    shape: [2, 16, 7, 6],
    build: (x, weight, g) =>
      g.conv(
        g.maxPool(g.conv(x, weight(16, 16, 1, 1)), { kernel: [3, 2], strides: [1, 1], pads: [1, 0, 1, 1] }),
        weight(16, 16, 1, 1),
      ),
  },
  "max pooling with strides that leave columns over": {
    shape: [2, 16, 12, 11],
    build: (x, weight, g) =>
      g.conv(g.maxPool(g.conv(x, weight(16, 16, 1, 1)), { kernel: [3, 3], strides: [2, 3] }), weight(16, 16, 1, 1)),
  },
  "max pooling of equal places": {
    shape: [2, 16, 9, 9],
    build: (x, weight, g) =>
      g.conv(
        g.maxPool(g.relu(g.conv(x, weight(32, 16, 1, 1))), { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
        weight(16, 32, 1, 1),
      ),
  },
  "max pooling that skips places": {
    shape: [2, 16, 9, 9],
    build: (x, weight, g) =>
      g.conv(g.maxPool(g.conv(x, weight(16, 16, 1, 1)), { kernel: [2, 2], strides: [3, 3] }), weight(16, 16, 1, 1)),
  },
  "scale by channel (layer scale)": {
    shape: [2, 32, 6, 6],
    build: (x, weight, g) => g.conv(g.mul(g.conv(x, weight(32, 32, 1, 1)), weight(1, 32, 1, 1)), weight(16, 32, 1, 1)),
  },
};

describe("lowering for the CPU", () => {
  for (const [name, { shape, build, blocked = true }] of Object.entries(samples)) {
    it(`gives the same results and gradients: ${name}`, async (test) => {
      if (!usable) return test.skip("this processor has no blocked kernels");
      const graph = step(shape, build);
      const lowered = lower(graph);
      assert.equal(internal(lowered) > 0, blocked);
      await compare(graph, lowered);
    });
  }

  for (const block of [8, 16] as const) {
    for (const [name, { shape, build }] of Object.entries(samples)) {
      it(`gives the same on a model of the internal operators, blocks of ${block}: ${name}`, async () => {
        const graph = step(shape, build);
        await compare(graph, withoutInternalOperators(lowerForCpu(graph, { block }), block));
      });
    }
  }

  it("keeps names, order and shapes of inputs and outputs", () => {
    const graph = step([2, 16, 6, 6], conv([32, 16, 3, 3], same));
    const lowered = lowerForCpu(graph, { block: 16 });
    assert.deepEqual(lowered.inputs, graph.inputs);
    assert.deepEqual(lowered.outputs, graph.outputs);
  });

  it("splits the gradient of a strided convolution into phases, each with its own taps", () => {
    const graph = step([2, 16, 8, 8], conv([16, 16, 3, 3], { ...same, strides: [2, 2] }));
    const kernels = lowerForCpu(graph, { block: 16 })
      .nodes.filter(({ operator, domain }) => operator === "Conv" && domain !== "")
      .map(({ attributes }) => attributes.get("kernel_shape"));
    const sizes = kernels.map((kernel) => (kernel?.kind === "ints" ? kernel.value.join("×") : ""));
    assert.deepEqual(sizes.sort(), ["1×1", "1×2", "2×1", "2×2", "3×3"]);
  });

  it("asks no tap of a max pooling by itself", () => {
    const graph = step([2, 16, 9, 9], (x, weight, g) =>
      g.maxPool(g.conv(x, weight(16, 16, 1, 1)), { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    );
    const operators = lowerForCpu(graph, { block: 16 }).nodes.map(({ operator }) => operator);
    assert.equal(operators.includes("Equal"), false);
  });

  it("leaves no transposed convolution in a network of layers that have blocked kernels", () => {
    const graph = step([2, 16, 8, 8], (x, weight, g) =>
      g.conv(g.conv(x, weight(16, 1, 3, 3), undefined, { ...same, group: 16 }), weight(32, 16, 3, 3), undefined, same),
    );
    const operators = lowerForCpu(graph, { block: 16 }).nodes.map(({ operator }) => operator);
    assert.equal(operators.includes("ConvTranspose"), false);
  });
});

describe("the probe", () => {
  it("finds blocks of 8 or 16 channels, or says why there are none", async () => {
    const probe = await probeCpuLowering();
    if (probe.usable) assert.ok(probe.block === 8 || probe.block === 16);
    else assert.ok(probe.reason.length > 0);
  });

  it("refuses forms that compute something else, by name of the gradient", async (test) => {
    if (!usable) return test.skip("this processor has no blocked kernels");
    const wrong: typeof lowerForCpu = (graph, options) => {
      const lowered = lowerForCpu(graph, options);
      return {
        ...lowered,
        nodes: lowered.nodes.map((node) =>
          node.operator === "HardSigmoid" ? { ...node, operator: "Sigmoid", attributes: new Map() } : node,
        ),
      };
    };
    const probe = await probeCpuLowering(wrong);
    assert.equal(probe.usable, false);
    assert.match(probe.usable ? "" : probe.reason, /gradient of/);
  });

  it("refuses, and does not throw, where the runtime rejects the operators", async () => {
    const unknown: typeof lowerForCpu = (graph, options) => {
      const lowered = lowerForCpu(graph, options);
      return {
        ...lowered,
        nodes: lowered.nodes.map((node) => (node.domain === "" ? node : { ...node, operator: `Gone${node.operator}` })),
      };
    };
    const probe = await probeCpuLowering(unknown);
    assert.equal(probe.usable, false);
  });
});
