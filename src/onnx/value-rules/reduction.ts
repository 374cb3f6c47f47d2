import { productOf, sizeOf } from "../dimensions.js";
import type { Dimension } from "../graph.type.js";
import { reducedAxes } from "../shape-rules/reduction.js";
import { elementCount } from "../tensor.js";
import { coordinatesOf, positionOf } from "./indices.js";
import type { ValueRule } from "./value-rule.type.js";

function reduction(combine: (elements: readonly Dimension[]) => Dimension | undefined): ValueRule {
  return (call, [output]) => {
    const elements = call.knownElements(0);
    if (output === undefined || elements === undefined) return undefined;
    const shape = call.staticShape(0);
    const axes = reducedAxes(call, shape.length);
    const kept = shape.map((size, axis) => (axes.has(axis) ? 1 : size));
    const groups = Array.from({ length: elementCount(kept) }, (): Dimension[] => []);
    elements.forEach((element, position) => {
      const coordinates = coordinatesOf(position, shape).map((at, axis) => (axes.has(axis) ? 0 : at));
      groups[positionOf(coordinates, kept)]?.push(element);
    });
    const results = groups.map(combine);
    return results.every((result) => result !== undefined) ? [results] : undefined;
  };
}

function numeric(combine: (numbers: readonly number[]) => number) {
  return reduction((elements) =>
    elements.every((element) => typeof element === "number") ? combine(elements) : undefined,
  );
}

export const product = reduction((elements) => sizeOf(productOf(elements)));
export const sum = numeric((numbers) => numbers.reduce((total, number) => total + number, 0));
export const largest = numeric((numbers) => Math.max(...numbers));
export const smallest = numeric((numbers) => Math.min(...numbers));
