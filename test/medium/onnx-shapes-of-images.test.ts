import { attribute, float32Tensor, int64List } from "../../src/onnx/index.js";
import { testShapes, weights } from "../support/onnx-operator.js";

const { ints, int, text } = attribute;

testShapes("Conv", {
  plain: { inputs: [[2, 3, 9, 7], weights(4, 3, 3, 3)] },
  "bias, strides, pads": {
    inputs: [[2, 3, 9, 7], weights(4, 3, 3, 3), weights(4)],
    attributes: { strides: ints([2, 3]), pads: ints([1, 0, 2, 1]) },
  },
  dilations: { inputs: [[1, 2, 11, 11], weights(5, 2, 3, 3)], attributes: { dilations: ints([2, 3]) } },
  depthwise: { inputs: [[2, 6, 8, 8], weights(6, 1, 3, 3)], attributes: { group: int(6), pads: ints([1, 1, 1, 1]) } },
  groups: { inputs: [[2, 6, 8, 8], weights(4, 3, 3, 3)], attributes: { group: int(2) } },
  "SAME_UPPER, stride 2, odd": {
    inputs: [[2, 3, 9, 7], weights(4, 3, 3, 3)],
    attributes: { auto_pad: text("SAME_UPPER"), strides: ints([2, 2]) },
  },
  "SAME_LOWER, stride 3": {
    inputs: [[2, 3, 10, 8], weights(4, 3, 2, 2)],
    attributes: { auto_pad: text("SAME_LOWER"), strides: ints([3, 3]) },
  },
  VALID: {
    inputs: [[2, 3, 9, 7], weights(4, 3, 3, 3)],
    attributes: { auto_pad: text("VALID"), strides: ints([2, 2]) },
  },
  "patch embedding": {
    inputs: [[2, 3, 32, 32], weights(8, 3, 16, 16)],
    attributes: { strides: ints([16, 16]), kernel_shape: ints([16, 16]) },
  },
  "one spatial axis": { inputs: [[2, 3, 9], weights(4, 3, 3)] },
  "three spatial axes": { inputs: [[1, 2, 5, 6, 7], weights(3, 2, 2, 2, 2)] },
});

testShapes("ConvTranspose", {
  plain: { inputs: [[2, 3, 5, 4], weights(3, 4, 3, 3)] },
  "stride, pads, output padding": {
    inputs: [[2, 3, 5, 4], weights(3, 4, 3, 3)],
    attributes: { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), output_padding: ints([1, 1]) },
  },
  groups: { inputs: [[2, 4, 5, 4], weights(4, 3, 2, 2)], attributes: { group: int(2), strides: ints([2, 2]) } },
  dilations: { inputs: [[2, 3, 5, 4], weights(3, 4, 3, 3)], attributes: { dilations: ints([2, 1]) } },
  "output shape": {
    inputs: [[2, 3, 5, 4], weights(3, 4, 3, 3)],
    attributes: { strides: ints([2, 2]), output_shape: ints([10, 8]) },
  },
  SAME_UPPER: {
    inputs: [[2, 3, 5, 4], weights(3, 4, 3, 3)],
    attributes: { strides: ints([2, 2]), auto_pad: text("SAME_UPPER") },
  },
});

const kernel3 = { kernel_shape: ints([3, 3]) };

for (const operator of ["AveragePool", "MaxPool"]) {
  testShapes(operator, {
    plain: { inputs: [[2, 3, 9, 7]], attributes: kernel3 },
    "strides, pads": {
      inputs: [[2, 3, 9, 7]],
      attributes: { ...kernel3, strides: ints([2, 2]), pads: ints([1, 1, 0, 1]) },
    },
    ceil: { inputs: [[2, 3, 10, 8]], attributes: { ...kernel3, strides: ints([2, 2]), ceil_mode: int(1) } },
    "ceil with pads": {
      inputs: [[2, 3, 10, 8]],
      attributes: { ...kernel3, strides: ints([2, 3]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) },
    },
    "ceil: a last window that would start in the padding": {
      inputs: [[1, 1, 3, 3]],
      attributes: { kernel_shape: ints([2, 2]), strides: ints([3, 3]), pads: ints([0, 0, 1, 1]), ceil_mode: int(1) },
    },
    SAME_UPPER: {
      inputs: [[2, 3, 9, 7]],
      attributes: { ...kernel3, strides: ints([2, 2]), auto_pad: text("SAME_UPPER") },
    },
    SAME_LOWER: {
      inputs: [[2, 3, 9, 7]],
      attributes: { ...kernel3, strides: ints([2, 2]), auto_pad: text("SAME_LOWER") },
    },
    VALID: { inputs: [[2, 3, 9, 7]], attributes: { ...kernel3, auto_pad: text("VALID") } },
  });
}
testShapes("MaxPool", {
  positions: { inputs: [[2, 3, 9, 7]], attributes: { ...kernel3, strides: ints([2, 2]) }, outputs: 2 },
  dilations: { inputs: [[2, 3, 9, 9]], attributes: { ...kernel3, dilations: ints([2, 2]) } },
});
testShapes("AveragePool", {
  "dilations (19)": { inputs: [[2, 3, 9, 9]], attributes: { ...kernel3, dilations: ints([2, 2]) }, opset: 19 },
});
testShapes("GlobalAveragePool", { plain: { inputs: [[2, 3, 9, 7]] }, "three axes": { inputs: [[2, 3, 2, 2, 2]] } });
testShapes("GlobalMaxPool", { plain: { inputs: [[2, 3, 9, 7]] } });

testShapes("BatchNormalization", {
  inference: { inputs: [[2, 3, 4, 4], weights(3), weights(3), weights(3), float32Tensor([3], [1, 2, 3])], opset: 15 },
});
testShapes("InstanceNormalization", { plain: { inputs: [[2, 3, 4, 4], weights(3), weights(3)] } });
testShapes("LayerNormalization", {
  "last axis": { inputs: [[2, 5, 8], weights(8), weights(8)] },
  "two axes, no bias": { inputs: [[2, 5, 8], weights(5, 8)], attributes: { axis: int(1) } },
  "with statistics": { inputs: [[2, 5, 8], weights(8)], attributes: { axis: int(-1) }, outputs: 3 },
});

const none = float32Tensor([0], []);
testShapes("Resize", {
  scales: { inputs: [[1, 2, 5, 7], none, float32Tensor([4], [1, 1, 2, 1.5])] },
  "scales without region": { inputs: [[1, 2, 5, 7], undefined, float32Tensor([4], [1, 1, 0.6, 0.5])], opset: 13 },
  sizes: {
    inputs: [[1, 2, 5, 7], undefined, undefined, int64List([1, 2, 8, 9])],
    attributes: { mode: text("linear") },
  },
  "sizes beside empty scales": { inputs: [[1, 2, 5, 7], none, none, int64List([1, 2, 8, 9])], opset: 13 },
  "sizes of two axes (18)": {
    inputs: [[1, 2, 5, 7], undefined, undefined, int64List([8, 9])],
    attributes: { axes: ints([2, -1]) },
  },
});
testShapes("DepthToSpace", { plain: { inputs: [[2, 12, 3, 4]], attributes: { blocksize: int(2) } } });
testShapes("SpaceToDepth", { plain: { inputs: [[2, 3, 4, 6]], attributes: { blocksize: int(2) } } });

// Windows that nobody would think of, the same ones in every run.
const pick = (seed: number, count: number) => Math.floor(Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % count);
for (let seed = 1; seed <= 40; seed++) {
  const [kernel, before, after] = [1 + pick(seed, 3), pick(seed + 0.1, 2), pick(seed + 0.2, 2)];
  const pads = ints([before, after, after, before].map((size) => Math.min(size, kernel - 1)));
  const size = [6 + pick(seed + 0.3, 9), 6 + pick(seed + 0.4, 9)];
  const strides = ints([1 + pick(seed + 0.5, 4), 1 + pick(seed + 0.6, 4)]);
  const dilations = ints([1 + pick(seed + 0.7, 2), 1 + pick(seed + 0.8, 2)]);
  const ceil_mode = int(pick(seed + 0.9, 2));
  const seeded = `seed ${seed}`;
  testShapes("Conv", {
    [seeded]: { inputs: [[1, 2, ...size], weights(3, 2, kernel, kernel)], attributes: { pads, strides, dilations } },
  });
  const kernel_shape = ints([kernel, kernel]);
  testShapes("MaxPool", {
    [seeded]: { inputs: [[1, 2, ...size]], attributes: { kernel_shape, pads, strides, dilations, ceil_mode } },
  });
  testShapes("AveragePool", {
    [seeded]: { inputs: [[1, 2, ...size]], attributes: { kernel_shape, pads, strides, ceil_mode } },
  });
}
