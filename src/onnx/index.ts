export { attribute } from "./attributes.js";
export { bindDimensions, openDimensions } from "./bind-dimensions.js";
export { checkGraph, newestOpset, oldestOpset } from "./check-graph.js";
export { foldConstants } from "./fold-constants.js";
export type {
  Attribute,
  Dimension,
  ElementType,
  Graph,
  GraphOutput,
  GraphValue,
  Model,
  Node,
  Tensor,
  TensorType,
} from "./graph.type.js";
export type { Value } from "./graph-assembly.js";
export { GraphBuilder, type Operand } from "./graph-builder.js";
export { isKnownOperator } from "./infer-node.js";
export { type InferredValues, inferShapes, inferValues } from "./infer-shapes.js";
export { isTensor, type KnownValue, type OpenValue } from "./known-value.js";
export { modelOf } from "./model.js";
export * from "./onnx.errors.js";
export { printGraph, printType } from "./print-graph.js";
export { readModel, readModelFile } from "./protobuf/read-model.js";
export { type WriteModelFileOptions, writeModel, writeModelFile } from "./protobuf/write-model.js";
export { pruneGraph } from "./prune-graph.js";
export {
  boolTensor,
  elementCount,
  float32Tensor,
  float32Values,
  int32Tensor,
  int64List,
  int64Tensor,
  int64Values,
  numbersOf,
  tensorFromNumbers,
  toFloat32,
} from "./tensor.js";
export { webGpuForm } from "./webgpu/webgpu-form.js";
export type { ConvSettings, PoolSettings } from "./window-settings.js";
