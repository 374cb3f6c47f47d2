import { attribute, boolTensor, float32Tensor, int64Tensor } from "../../src/onnx/index.js";
import { testShapes } from "../support/onnx-operator.js";

const unary = [
  "Abs",
  "Ceil",
  "Celu",
  "Cos",
  "Elu",
  "Erf",
  "Exp",
  "Floor",
  "HardSigmoid",
  "HardSwish",
  "Identity",
  "LeakyRelu",
  "Log",
  "Mish",
  "Neg",
  "Reciprocal",
  "Relu",
  "Round",
  "Selu",
  "Sigmoid",
  "Sign",
  "Sin",
  "Softplus",
  "Softsign",
  "Sqrt",
  "Tanh",
  "ThresholdedRelu",
];
for (const operator of unary) testShapes(operator, { matrix: { inputs: [[2, 3]] }, scalar: { inputs: [[]] } });
testShapes("Gelu", { "version 20": { inputs: [[2, 3]], opset: 20 } });

const shapes = {
  equal: {
    inputs: [
      [2, 3],
      [2, 3],
    ],
  },
  "ones stretch": {
    inputs: [
      [2, 1, 4],
      [1, 3, 1],
    ],
  },
  "missing axes": { inputs: [[4], [2, 3, 4]] },
  scalar: { inputs: [[2, 3], []] },
};
for (const operator of [
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Max",
  "Min",
  "Mean",
  "Sum",
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
]) {
  testShapes(operator, shapes);
}
testShapes("Mod", { integers: { inputs: [int64Tensor([2, 1], [5, 7]), int64Tensor([3], [2, 3, 4])] } });
testShapes("Sum", { "three inputs": { inputs: [[2, 1], [3], [1, 1]] } });
testShapes("Pow", { "integer exponent": { inputs: [[2, 3], int64Tensor([], [2])] } });
for (const operator of ["And", "Or", "Xor"]) {
  testShapes(operator, { bool: { inputs: [boolTensor([2, 1], [true, false]), boolTensor([3], [true, false, true])] } });
}
testShapes("Not", { bool: { inputs: [boolTensor([2], [true, false])] } });
testShapes("Clip", {
  both: { inputs: [[2, 3], float32Tensor([], [0]), float32Tensor([], [6])] },
  "upper only": { inputs: [[2, 3], undefined, float32Tensor([], [6])] },
});
testShapes("Cast", {
  "to int64": { inputs: [[2, 3]], attributes: { to: attribute.int(7) } },
  "to float16": { inputs: [[2, 3]], attributes: { to: attribute.int(10) } },
  "to bool": { inputs: [[2, 3]], attributes: { to: attribute.int(9) } },
});
testShapes("CastLike", { int64: { inputs: [[2, 3], int64Tensor([], [0])] } });
testShapes("Dropout", { inference: { inputs: [[2, 3]] }, mask: { inputs: [[2, 3]], outputs: 2 } });
