import type { Dimension, ElementType } from "../graph.type.js";
import type { OperatorCall } from "../operator-call.js";

/** Type of an output that is static, as it has to be for its elements to be known. */
export interface StaticType {
  readonly elementType: ElementType;
  readonly shape: readonly number[];
}

/**
 * The elements of a node's outputs, in order, from elements of its inputs; `undefined` where they are not known.
 * Called only when every output is static and small.
 */
export type ValueRule = (
  call: OperatorCall,
  outputs: readonly StaticType[],
) => readonly (readonly Dimension[])[] | undefined;
