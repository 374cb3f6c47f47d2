import { addSizes, productOf, quotient, sizeOf } from "../dimensions.js";
import type { Dimension, ElementType } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";
import { broadcastPosition, coordinatesOf } from "./indices.js";
import type { StaticType, ValueRule } from "./value-rule.type.js";

/** One element from those of the inputs, or `undefined` where open sizes forbid to tell. */
type Formula = (elements: readonly Dimension[], elementType: ElementType) => Dimension | undefined;

/** Applies a formula element by element, with broadcasting. */
function elementWise(formula: Formula): ValueRule {
  return (call, [output]) => {
    const inputs = call.node.inputs.map((_, position) => call.knownElements(position));
    if (output === undefined || !inputs.every((elements) => elements !== undefined)) return undefined;
    const elements = compute(call, output, inputs, formula);
    return elements && [elements];
  };
}

function compute(
  call: OperatorCall,
  output: StaticType,
  inputs: readonly (readonly Dimension[])[],
  formula: Formula,
): Dimension[] | undefined {
  const shapes = inputs.map((_, position) => call.staticShape(position));
  const elements: Dimension[] = [];
  const count = output.shape.reduce((product, size) => product * size, 1);
  for (let position = 0; position < count; position++) {
    const coordinates = coordinatesOf(position, output.shape);
    const operands = inputs.map((input, index) => {
      return input[broadcastPosition(coordinates, shapes[index] as number[])] as Dimension;
    });
    const element = formula(operands, call.elementType(0));
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements;
}

/** A formula for numbers alone. */
function numeric(formula: (...numbers: number[]) => number): ValueRule {
  return elementWise((elements) =>
    elements.every((element) => typeof element === "number") ? formula(...elements) : undefined,
  );
}

function comparison(formula: (a: number, b: number) => boolean): ValueRule {
  return numeric((a, b) => Number(formula(a as number, b as number)));
}

export const add = elementWise((elements) => elements.reduce(addSizes));
export const mul = elementWise((elements) => sizeOf(productOf(elements)));

/** Integers are divided towards zero. An open size divides where it goes without rest. */
export const div = elementWise(([a, b], elementType) => {
  if (typeof a === "number" && typeof b === "number") return elementType.includes("float") ? a / b : Math.trunc(a / b);
  return a === undefined || b === undefined ? undefined : quotient(productOf([a]), productOf([b]));
});

/** An open size equals itself and is no negative number; for anything else one has to know it. */
export const equal = elementWise(([a, b]) => {
  if (a === b) return 1;
  if (typeof a === "number" && typeof b === "number") return 0;
  return [a, b].some((size) => typeof size === "number" && size < 0) ? 0 : undefined;
});

export const where = elementWise(([condition, yes, no]) => {
  if (typeof condition !== "number") return undefined;
  return condition === 0 ? no : yes;
});

/** Open sizes are whole: a cast between numbers leaves them alone. */
export const cast: ValueRule = (call, [output]) => {
  const elements = call.knownElements(0);
  if (elements === undefined || output === undefined) return undefined;
  if (output.elementType !== "bool") return [elements];
  return elements.every((element) => typeof element === "number")
    ? [elements.map((element) => (element === 0 ? 0 : 1))]
    : undefined;
};

export const sub = numeric((a, b) => (a as number) - (b as number));
export const min = numeric(Math.min);
export const max = numeric(Math.max);
export const pow = numeric((a, b) => (a as number) ** (b as number));

/** The rest takes the sign of the divisor, as in Python; with fmod that of the dividend, as in C. */
export const mod: ValueRule = (call, outputs) => {
  const likeC = call.int("fmod") === 1;
  return numeric((a = 0, b = 0) => (likeC ? a % b : a - b * Math.floor(a / b)))(call, outputs);
};

export const neg = numeric((x) => -(x as number));
export const abs = numeric((x) => Math.abs(x as number));
export const floor = numeric((x) => Math.floor(x as number));
export const ceil = numeric((x) => Math.ceil(x as number));
export const sqrt = numeric((x) => Math.sqrt(x as number));
export const reciprocal = numeric((x) => 1 / (x as number));
export const not = numeric((x) => Number(x === 0));
export const and = comparison((a, b) => a !== 0 && b !== 0);
export const or = comparison((a, b) => a !== 0 || b !== 0);
export const greater = comparison((a, b) => a > b);
export const greaterOrEqual = comparison((a, b) => a >= b);
export const less = comparison((a, b) => a < b);
export const lessOrEqual = comparison((a, b) => a <= b);
