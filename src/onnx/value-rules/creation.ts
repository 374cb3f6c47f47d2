import { productOf, sizeOf } from "../dimensions.js";
import { shapeRange } from "../shape-rules/creation.js";
import { elementCount, numbersOf } from "../tensor.js";
import type { ValueRule } from "./value-rule.type.js";

/** Sizes as elements: open ones by their names. */
export const shape: ValueRule = (call) => {
  const sizes = call.shape(0);
  return [sizes.slice(...shapeRange(sizes.length, call.int("start"), call.int("end")))];
};

export const size: ValueRule = (call) => [[sizeOf(productOf(call.shape(0)))]];

/** Lists and single numbers; a tensor is taken over as it is by `knownOutputs`. */
export const constant: ValueRule = (call) => {
  const list = call.ints("value_ints") ?? call.attribute("value_floats", "floats")?.value;
  if (list !== undefined) return [list];
  const number = call.int("value_int") ?? call.float("value_float");
  return number === undefined ? undefined : [[number]];
};

export const constantOfShape: ValueRule = (call, [output]) => {
  if (output === undefined) return undefined;
  const fill = call.attribute("value", "tensor")?.value;
  const [element = 0] = fill === undefined ? [] : numbersOf(fill);
  return [Array<number>(elementCount(output.shape)).fill(element)];
};

export const range: ValueRule = (call, [output]) => {
  const [start] = call.knownNumbers(0) ?? [];
  const [step] = call.knownNumbers(2) ?? [];
  if (output === undefined || start === undefined || step === undefined) return undefined;
  return [Array.from({ length: output.shape[0] as number }, (_, index) => start + index * step)];
};
