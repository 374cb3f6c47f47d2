import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession } from "onnxruntime-node";
import {
  type Attribute,
  attribute,
  boolTensor,
  float32Tensor,
  GraphBuilder,
  int32Tensor,
  int64List,
  int64Tensor,
  modelOf,
  numbersOf,
  type Tensor,
  writeModel,
} from "../../src/onnx/index.js";

const { int, ints } = attribute;

/** What shape inference knows of a node of constants must be what onnxruntime computes, to the last bit. */
function testValues(
  operator: string,
  cases: Readonly<Record<string, readonly [readonly (Tensor | undefined)[], Record<string, Attribute>?, number?]>>,
): void {
  for (const [title, [inputs, attributes = {}, outputs = 1]] of Object.entries(cases)) {
    test(`${operator}: ${title}`, async () => {
      const builder = new GraphBuilder();
      // Read, not shared: a graph of constants alone is folded away by the runtime, which is what is wanted here.
      const values = inputs.map((tensor) => tensor && builder.constant(tensor));
      const results = builder.nodes(operator, values, attributes, { outputs });
      for (const result of results) builder.output(result);
      const session = await InferenceSession.create(writeModel(modelOf(builder.graph())), { logSeverityLevel: 3 });
      const actual = await session.run({});
      await session.release();
      for (const result of results) {
        const known = builder.knownValue(result);
        assert.ok(known !== undefined, "the value is not known");
        const data = actual[result.name]?.data as Iterable<number | bigint | boolean>;
        assert.deepEqual(known.shape, actual[result.name]?.dims);
        assert.deepEqual(numbersOf(known), Array.from(data, Number));
      }
    });
  }
}

const matrix = int64Tensor([2, 3], [1, 2, 3, 4, 5, 6]);
const floats = float32Tensor([2, 3], [0.1, -2.5, 3.7, 0, 5.5, -6.25]);

for (const operator of ["Add", "Sub", "Mul", "Max", "Min"]) {
  testValues(operator, {
    integers: [[matrix, int64List([10, -20, 30])]],
    floats: [[floats, float32Tensor([2, 1], [0.3, 7])]],
  });
}
testValues("Div", {
  "integers towards zero": [[int64List([7, -7, 9]), int64List([2, 2, -4])]],
  floats: [[floats, float32Tensor([], [3])]],
});
testValues("Mod", {
  "sign of the divisor": [[int64List([7, -7, 7, -7]), int64List([3, 3, -3, -3])]],
  "sign of the dividend": [[int64List([7, -7, 7, -7]), int64List([3, 3, -3, -3])], { fmod: int(1) }],
});
testValues("Pow", { integers: [[int64List([2, 3]), int64List([3, 2])]] });
for (const operator of ["Abs", "Neg", "Floor", "Ceil"]) testValues(operator, { floats: [[floats]] });
testValues("Sqrt", { floats: [[float32Tensor([3], [64, 2, 0.1])]] });
testValues("Reciprocal", { floats: [[float32Tensor([3], [64, 2, 0.3])]] });
for (const operator of ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]) {
  testValues(operator, { integers: [[matrix, int64List([1, 5, 3])]] });
}
for (const operator of ["And", "Or"]) {
  testValues(operator, { bools: [[boolTensor([2, 1], [true, false]), boolTensor([2], [true, false])]] });
}
testValues("Not", { bools: [[boolTensor([2], [true, false])]] });
testValues("Where", { broadcast: [[boolTensor([2, 1], [true, false]), matrix, int64List([-1, -2, -3])]] });
testValues("Cast", {
  "float to int64": [[floats], { to: int(7) }],
  "int64 to float": [[matrix], { to: int(1) }],
  "float to bool": [[floats], { to: int(9) }],
  "int64 to int32": [[int64List([5, -6])], { to: int(6) }],
});
testValues("Concat", {
  "axis 0": [[int64List([1, 2]), int64List([3])], { axis: int(0) }],
  "axis −1": [[matrix, int64Tensor([2, 1], [8, 9]), matrix], { axis: int(-1) }],
});
testValues("Gather", {
  scalar: [[int64List([4, 5, 6]), int64Tensor([], [-1])]],
  rows: [[matrix, int64Tensor([2, 2], [0, 1, 1, -2])]],
  columns: [[matrix, int32Tensor([2], [2, 0])], { axis: int(1) }],
});
testValues("Slice", {
  plain: [[matrix, int64List([1]), int64List([2 ** 63]), int64List([1])]],
  backwards: [[matrix, int64List([-1]), int64List([-(2 ** 63)]), int64List([1]), int64List([-2])]],
});
testValues("Split", { parts: [[matrix, int64List([1, 2])], { axis: int(1) }, 2] });
testValues("Transpose", {
  reversed: [[matrix]],
  permuted: [[int64Tensor([1, 2, 3], [1, 2, 3, 4, 5, 6])], { perm: ints([2, 0, 1]) }],
});
testValues("Reshape", { plain: [[matrix, int64List([3, -1])]] });
testValues("Flatten", { plain: [[matrix]] });
testValues("Squeeze", { all: [[int64Tensor([1, 2, 1], [3, 4])]] });
testValues("Unsqueeze", { scalar: [[int64Tensor([], [3]), int64List([0])]] });
testValues("Identity", { plain: [[matrix]] });
testValues("Expand", { plain: [[int64Tensor([2, 1], [1, 2]), int64List([3, 1, 2])]] });
testValues("Range", {
  integers: [[int64Tensor([], [1]), int64Tensor([], [9]), int64Tensor([], [3])]],
  floats: [[float32Tensor([], [0]), float32Tensor([], [1]), float32Tensor([], [0.25])]],
});
testValues("ConstantOfShape", {
  zeros: [[int64List([2, 2])]],
  ones: [[int64List([3])], { value: attribute.tensor(int64List([1])) }],
});
testValues("Constant", {
  tensor: [[], { value: attribute.tensor(matrix) }],
  ints: [[], { value_ints: ints([1, 2]) }],
  float: [[], { value_float: attribute.float(0.1) }],
});
testValues("Shape", { whole: [[matrix]], part: [[matrix], { start: int(-1) }] });
testValues("Size", { plain: [[matrix]] });
for (const operator of ["ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum"]) {
  testValues(operator, {
    all: [[matrix], { keepdims: int(0) }],
    "one axis": [[matrix, int64List([-1])]],
  });
}
