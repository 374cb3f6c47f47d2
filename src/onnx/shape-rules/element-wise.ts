import { broadcast } from "../dimensions.js";
import { elementTypeOfCode } from "../element-types.js";
import type { ElementType } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import type { ShapeRule } from "./shape-rule.type.js";

/** One input, one output of the same type: activations, roots, logarithms. */
export const sameAsInput: ShapeRule = (call) => [call.input(0).type];

/** All inputs broadcast; elements of the first input's type. */
export const broadcasting: ShapeRule = (call) => [
  { elementType: sameElements(call, call.node.inputs.length), shape: broadcastInputs(call, 0) },
];

/** Pow and shifts: the exponent may have another element type. */
export const broadcastingLoosely: ShapeRule = (call) => [
  { elementType: call.elementType(0), shape: broadcastInputs(call, 0) },
];

/** Comparisons and logic: broadcast, yes or no. */
export const predicate: ShapeRule = (call) => {
  sameElements(call, call.node.inputs.length);
  return [{ elementType: "bool", shape: broadcastInputs(call, 0) }];
};

/** IsNaN, IsInf: one input, yes or no. */
export const test: ShapeRule = (call) => [{ elementType: "bool", shape: call.shape(0) }];

/** Where(condition, a, b). */
export const where: ShapeRule = (call) => {
  if (call.elementType(0) !== "bool") call.fail("its condition is not bool");
  if (call.elementType(1) !== call.elementType(2)) call.fail("its two branches have different element types");
  return [{ elementType: call.elementType(1), shape: broadcastInputs(call, 0) }];
};

export const cast: ShapeRule = (call) => [{ elementType: castTarget(call), shape: call.shape(0) }];

export const castLike: ShapeRule = (call) => [{ elementType: call.elementType(1), shape: call.shape(0) }];

/** Dropout: the mask, where somebody asks for it, is bool since version 10. */
export const dropout: ShapeRule = (call) => {
  const { elementType, shape } = call.input(0).type;
  return [
    { elementType, shape },
    { elementType: "bool", shape },
  ];
};

function broadcastInputs(call: OperatorCall, from: number) {
  const shapes = call.node.inputs.slice(from).map((_, index) => call.shape(from + index));
  return call.sizes(() => broadcast(...shapes));
}

function sameElements(call: OperatorCall, count: number): ElementType {
  const first = call.elementType(0);
  for (let position = 1; position < count; position++) {
    const other = call.elementType(position);
    if (other !== first) call.fail(`its inputs mix ${first} and ${other}`);
  }
  return first;
}

function castTarget(call: OperatorCall): ElementType {
  const code = call.int("to") ?? call.fail('its attribute "to" is missing');
  return elementTypeOfCode(code, call.node.name);
}
