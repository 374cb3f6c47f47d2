import { broadcast } from "../dimensions.js";
import { elementTypeOfCode } from "../element-types.js";
import type { TensorType } from "../graph.type.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** Constant in all the forms that carry numbers. */
export const constant: ShapeRule = (call) => {
  const tensor = call.attribute("value", "tensor")?.value;
  if (tensor !== undefined) return [{ elementType: tensor.elementType, shape: tensor.shape }];
  const ints = call.ints("value_ints");
  if (ints !== undefined) return [{ elementType: "int64", shape: [ints.length] }];
  const floats = call.attribute("value_floats", "floats")?.value;
  if (floats !== undefined) return [{ elementType: "float32", shape: [floats.length] }];
  if (call.int("value_int") !== undefined) return [{ elementType: "int64", shape: [] }];
  if (call.float("value_float") !== undefined) return [{ elementType: "float32", shape: [] }];
  return call.fail("it holds neither numbers nor a tensor");
};

export const constantOfShape: ShapeRule = (call) => [
  { elementType: call.attribute("value", "tensor")?.value.elementType ?? "float32", shape: call.wantedSizes(0) },
];

/** Expand broadcasts both ways: the wanted shape may hold ones. */
export const expand: ShapeRule = (call) => {
  const wanted = call.wantedSizes(1);
  return [{ elementType: call.elementType(0), shape: call.sizes(() => broadcast(call.shape(0), wanted)) }];
};

export const eyeLike: ShapeRule = (call) => {
  const code = call.int("dtype");
  const elementType = code === undefined ? call.elementType(0) : elementTypeOfCode(code, call.node.name);
  return [{ elementType, shape: call.shape(0) }];
};

export const range: ShapeRule = (call) => {
  const [start = 0] = call.numbers(0);
  const [limit = 0] = call.numbers(1);
  const [step = 1] = call.numbers(2);
  if (step === 0) call.fail("its step is 0");
  return [{ elementType: call.elementType(0), shape: [Math.max(0, Math.ceil((limit - start) / step))] }];
};

/** Shape, from version 15 with a range of axes. */
export const shape: ShapeRule = (call) => {
  const [start, end] = shapeRange(call.shape(0).length, call.int("start"), call.int("end"));
  return [{ elementType: "int64", shape: [Math.max(0, end - start)] }];
};

export const size: ShapeRule = (): readonly TensorType[] => [{ elementType: "int64", shape: [] }];

export function shapeRange(rank: number, start = 0, end = rank): [start: number, end: number] {
  const clamp = (axis: number) => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  return [clamp(start), clamp(end)];
}
