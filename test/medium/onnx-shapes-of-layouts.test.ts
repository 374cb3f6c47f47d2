import { attribute, boolTensor, float32Tensor, int64List, int64Tensor } from "../../src/onnx/index.js";
import { testShapes, weights } from "../support/onnx-operator.js";

const { ints, int, tensor } = attribute;

testShapes("Reshape", {
  plain: { inputs: [[2, 3, 4], int64List([6, 4])] },
  "the rest": { inputs: [[2, 3, 4], int64List([2, -1])] },
  "copied axis": { inputs: [[2, 3, 4], int64List([0, -1])] },
  "to a scalar": { inputs: [[1, 1], int64List([])] },
  allowzero: { inputs: [[0, 3], int64List([3, 0])], attributes: { allowzero: int(1) } },
  "batch in the middle": { inputs: [[2, 3, 4], int64List([-1, 4, 3])] },
});
testShapes("Flatten", {
  plain: { inputs: [[2, 3, 4]] },
  "axis 0": { inputs: [[2, 3, 4]], attributes: { axis: int(0) } },
  "axis −1": { inputs: [[2, 3, 4]], attributes: { axis: int(-1) } },
  "axis = rank": { inputs: [[2, 3, 4]], attributes: { axis: int(3) } },
});
testShapes("Transpose", {
  reversed: { inputs: [[2, 3, 4]] },
  permuted: { inputs: [[2, 3, 4]], attributes: { perm: ints([1, 2, 0]) } },
});
testShapes("Squeeze", {
  all: { inputs: [[2, 1, 4, 1]] },
  axes: { inputs: [[2, 1, 4, 1], int64List([-1])] },
});
testShapes("Unsqueeze", {
  axes: { inputs: [[2, 3], int64List([0, -1])] },
  "unsorted axes": { inputs: [[2, 3], int64List([3, 1])] },
});
testShapes("Concat", {
  "axis 1": {
    inputs: [
      [2, 3],
      [2, 4],
    ],
    attributes: { axis: int(1) },
  },
  "axis −2": {
    inputs: [
      [2, 3],
      [5, 3],
      [1, 3],
    ],
    attributes: { axis: int(-2) },
  },
});
testShapes("Split", {
  parts: { inputs: [[2, 7], int64List([3, 4])], attributes: { axis: int(1) }, outputs: 2 },
  "even (13)": { inputs: [[6, 2]], outputs: 3, opset: 13 },
  "uneven (18)": { inputs: [[2, 7]], attributes: { axis: int(-1), num_outputs: int(3) }, outputs: 3 },
});
const far = 2 ** 63;
testShapes("Slice", {
  plain: { inputs: [[5, 6], int64List([1, 2]), int64List([4, 5])] },
  "negative positions": { inputs: [[5, 6], int64List([-3]), int64List([-1]), int64List([1])] },
  "until the end": { inputs: [[5, 6], int64List([2]), int64List([far]), int64List([0])] },
  steps: { inputs: [[5, 6], int64List([0]), int64List([6]), int64List([-1]), int64List([4])] },
  backwards: { inputs: [[5, 6], int64List([-1]), int64List([-far]), int64List([1]), int64List([-2])] },
  empty: { inputs: [[5, 6], int64List([4]), int64List([2]), int64List([0])] },
  "beyond the axis": { inputs: [[5, 6], int64List([-100]), int64List([100]), int64List([1])] },
  "whole first axis": { inputs: [[5, 6], int64List([0, 1]), int64List([far, 3]), int64List([0, 1])] },
});
testShapes("Gather", {
  list: { inputs: [[5, 6], int64List([0, 2, 4])] },
  scalar: { inputs: [[5, 6], int64Tensor([], [1])], attributes: { axis: int(1) } },
  "negative axis, matrix of indices": {
    inputs: [[5, 6, 2], int64Tensor([2, 2], [0, 1, 2, -1])],
    attributes: { axis: int(-2) },
  },
});
testShapes("GatherElements", { plain: { inputs: [[3, 4], int64Tensor([2, 4], [0, 1, 2, 0, 1, 0, 2, 1])] } });
testShapes("GatherND", {
  elements: { inputs: [[3, 4], int64Tensor([2, 2], [0, 1, 2, 3])] },
  rows: { inputs: [[3, 4], int64Tensor([5, 1], [0, 1, 2, 0, 1])] },
  batches: { inputs: [[2, 3, 4], int64Tensor([2, 1], [0, 2])], attributes: { batch_dims: int(1) } },
});
testShapes("ScatterND", { rows: { inputs: [[3, 4], int64Tensor([1, 1], [2]), weights(1, 4)] } });
testShapes("ScatterElements", { plain: { inputs: [[3, 4], int64Tensor([1, 2], [1, 2]), weights(1, 2)] } });
testShapes("OneHot", {
  "last axis": { inputs: [int64List([0, 2, 1]), int64List([4]), float32Tensor([2], [0, 1])] },
  "first axis": {
    inputs: [int64List([0, 2, 1]), int64List([4]), float32Tensor([2], [0, 1])],
    attributes: { axis: int(0) },
  },
});
testShapes("Expand", {
  plain: { inputs: [[3, 1], int64List([2, 3, 4])] },
  "ones keep": { inputs: [[3, 4], int64List([1, 1])] },
});
testShapes("Tile", { plain: { inputs: [[2, 3], int64List([2, 1])] }, more: { inputs: [[2, 3], int64List([1, 4])] } });
testShapes("Pad", {
  constant: { inputs: [[2, 3], int64List([0, 1, 0, 2]), float32Tensor([], [7])] },
  cutting: { inputs: [[4, 5], int64List([-1, 0, 0, -2])] },
  "named axes (18)": { inputs: [[2, 3], int64List([1, 2]), undefined, int64List([-1])] },
});
testShapes("Shape", {
  whole: { inputs: [[2, 3, 4]] },
  "from, to": { inputs: [[2, 3, 4]], attributes: { start: int(1), end: int(-1) }, opset: 15 },
  empty: { inputs: [[2, 3, 4]], attributes: { start: int(2), end: int(1) }, opset: 15 },
});
testShapes("Size", { plain: { inputs: [[2, 3, 4]] } });
testShapes("Range", {
  up: { inputs: [int64Tensor([], [0]), int64Tensor([], [7]), int64Tensor([], [2])] },
  down: { inputs: [int64Tensor([], [7]), int64Tensor([], [0]), int64Tensor([], [-3])] },
  empty: { inputs: [int64Tensor([], [7]), int64Tensor([], [0]), int64Tensor([], [1])] },
  floats: { inputs: [float32Tensor([], [0]), float32Tensor([], [1]), float32Tensor([], [0.3])] },
});
testShapes("ConstantOfShape", {
  zeros: { inputs: [int64List([2, 3])] },
  filled: { inputs: [int64List([2])], attributes: { value: tensor(int64List([5])) } },
  scalar: { inputs: [int64List([])] },
});
testShapes("Constant", {
  tensor: { inputs: [], attributes: { value: tensor(weights(2, 3)) } },
  ints: { inputs: [], attributes: { value_ints: ints([1, 2, 3]) } },
  int: { inputs: [], attributes: { value_int: int(3) } },
  floats: { inputs: [], attributes: { value_floats: attribute.floats([1, 2]) } },
  float: { inputs: [], attributes: { value_float: attribute.float(3) } },
});
testShapes("Where", {
  "three shapes": { inputs: [boolTensor([2, 1], [true, false]), [3], [4, 1, 1]] },
});
