import { attribute } from "./attributes.js";
import type { Value } from "./graph-assembly.js";
import type { GraphBuilder } from "./graph-builder.js";

/** Version of the operators from which on axes are an input; an attribute before. */
const axesInputSince = { ReduceL2: 18, ReduceMax: 18, ReduceMean: 18, ReduceMin: 18, ReduceSum: 13 } as const;

export interface ReductionSettings {
  /** All, where there are none. */
  readonly axes: readonly number[] | undefined;
  /** Whether reduced axes stay, with size 1. */
  readonly keep: boolean;
  readonly name: string | undefined;
}

/** A reduction in the form of the graph's operator set. */
export function reduce(
  g: GraphBuilder,
  operator: keyof typeof axesInputSince,
  x: Value,
  { axes, keep, name }: ReductionSettings,
): Value {
  const asInput = g.opset >= axesInputSince[operator];
  const inputs = asInput && axes !== undefined ? [x, g.int64s(axes)] : [x];
  const settings = {
    keepdims: attribute.flag(keep),
    axes: asInput || axes === undefined ? undefined : attribute.ints(axes),
  };
  return g.node(operator, inputs, settings, name);
}
