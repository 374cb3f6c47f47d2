import { attribute, int64List, int64Tensor } from "../../src/onnx/index.js";
import { testShapes, weights } from "../support/onnx-operator.js";

const { ints, int, text, float } = attribute;

testShapes("MatMul", {
  matrices: {
    inputs: [
      [2, 3],
      [3, 4],
    ],
  },
  "batch of matrices and one": {
    inputs: [
      [5, 2, 3],
      [3, 4],
    ],
  },
  "broadcast batches": {
    inputs: [
      [5, 1, 2, 3],
      [1, 6, 3, 4],
    ],
  },
  "vector left": { inputs: [[3], [3, 4]] },
  "vector right": { inputs: [[2, 3], [3]] },
  "two vectors": { inputs: [[3], [3]] },
  "vector and batch": { inputs: [[3], [5, 3, 4]] },
});
testShapes("Gemm", {
  plain: {
    inputs: [
      [2, 3],
      [3, 4],
    ],
  },
  "bias row": { inputs: [[2, 3], [3, 4], [4]] },
  transposed: {
    inputs: [
      [3, 2],
      [4, 3],
      [1, 4],
    ],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5) },
  },
});
testShapes("Einsum", {
  attention: {
    inputs: [
      [2, 4, 5, 3],
      [2, 4, 6, 3],
    ],
    attributes: { equation: text("bhqd,bhkd->bhqk") },
  },
  "implicit result": {
    inputs: [
      [2, 3],
      [3, 4],
    ],
    attributes: { equation: text("ij,jk") },
  },
  diagonal: { inputs: [[3, 3]], attributes: { equation: text("ii->i") } },
  "sum over all": { inputs: [[3, 4]], attributes: { equation: text("ij->") } },
  ellipsis: {
    inputs: [
      [2, 5, 3, 4],
      [4, 6],
    ],
    attributes: { equation: text("...ij,jk->...ik") },
  },
});

const axes = int64List([1, -1]);
for (const operator of [
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
  "ReduceLogSumExp",
  "ReduceLogSum",
]) {
  testShapes(operator, {
    "axes as input, kept": { inputs: [[2, 3, 4], axes] },
    "axes as input, dropped": { inputs: [[2, 3, 4], axes], attributes: { keepdims: int(0) } },
    "axes as attribute (13)": { inputs: [[2, 3, 4]], attributes: { axes: ints([-2]), keepdims: int(0) }, opset: 13 },
    all: { inputs: [[2, 3, 4]], attributes: { keepdims: int(0) } },
    "all, kept": { inputs: [[2, 3, 4]] },
    "none on request": { inputs: [[2, 3, 4]], attributes: { noop_with_empty_axes: int(1) } },
    "empty axes mean all": { inputs: [[2, 3, 4], int64List([])] },
  });
}
testShapes("ReduceSum", {
  "axes as input (13)": { inputs: [[2, 3, 4], axes], opset: 13 },
  dropped: { inputs: [[2, 3, 4], int64List([0])], attributes: { keepdims: int(0) } },
  all: { inputs: [[2, 3, 4]], attributes: { keepdims: int(0) } },
  "empty axes mean none on request": {
    inputs: [[2, 3, 4], int64List([])],
    attributes: { noop_with_empty_axes: int(1) },
  },
});
for (const operator of ["ArgMax", "ArgMin"]) {
  testShapes(operator, {
    kept: { inputs: [[2, 3, 4]], attributes: { axis: int(-2) } },
    dropped: { inputs: [[2, 3, 4]], attributes: { axis: int(1), keepdims: int(0) } },
    "first axis": { inputs: [[2, 3, 4]] },
  });
}
testShapes("TopK", {
  "last axis": { inputs: [[2, 5], int64List([3])], outputs: 2 },
  "first axis": { inputs: [[4, 5], int64List([2])], attributes: { axis: int(0) }, outputs: 2 },
});
testShapes("CumSum", { plain: { inputs: [[2, 5], int64Tensor([], [1])] } });
testShapes("Softmax", { plain: { inputs: [[2, 5]] }, axis: { inputs: [[2, 5, 3]], attributes: { axis: int(1) } } });
testShapes("LogSoftmax", { plain: { inputs: [[2, 5]] } });
testShapes("LpNormalization", { plain: { inputs: [[2, 5]] } });
testShapes("Trilu", { lower: { inputs: [[4, 4]], attributes: { upper: int(0) } } });
testShapes("EyeLike", { plain: { inputs: [[4, 4]] }, int64: { inputs: [[4, 4]], attributes: { dtype: int(7) } } });
testShapes("PRelu", { "one slope a channel": { inputs: [[2, 3, 4, 4], weights(3, 1, 1)] } });
