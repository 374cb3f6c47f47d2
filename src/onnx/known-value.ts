import { isStatic } from "./dimensions.js";
import type { Dimension, ElementType, Tensor } from "./graph.type.js";
import { elementCount, numbersOf, tensorFromNumbers } from "./tensor.js";

/** A small value known before the graph runs, some of whose elements are open sizes: ["batch", 197, 384]. */
export interface OpenValue {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly elements: readonly Dimension[];
}

export type KnownValue = Tensor | OpenValue;

/**
 * Values above this many elements are not followed through a graph here: shapes and axes are far smaller, and weights
 * are the business of `foldConstants`.
 */
export const largestFollowedValue = 1024;

export function isTensor(value: KnownValue): value is Tensor {
  return "data" in value;
}

/** All elements in row-major order, or `undefined` for a value too large to follow. */
export function elementsOf(value: KnownValue): readonly Dimension[] | undefined {
  if (!isTensor(value)) return value.elements;
  return elementCount(value.shape) > largestFollowedValue ? undefined : numbersOf(value);
}

/** A constant where every element is a number (rounded to its element type), an open value otherwise. */
export function knownValueOf(
  elementType: ElementType,
  shape: readonly number[],
  elements: readonly Dimension[],
): KnownValue | undefined {
  if (!isStatic(elements)) return { elementType, shape, elements };
  const isFloat = elementType.includes("float");
  // Division by zero among integers has no value.
  if (!isFloat && !elements.every((element) => Number.isFinite(element))) return undefined;
  return tensorFromNumbers(elementType, shape, elements);
}
