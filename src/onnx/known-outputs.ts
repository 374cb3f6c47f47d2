import { isStatic } from "./dimensions.js";
import type { TensorType } from "./graph.type.js";
import { type KnownValue, knownValueOf, largestFollowedValue } from "./known-value.js";
import type { OperatorCall } from "./operator-call.js";
import { elementCount } from "./tensor.js";
import { valueRules } from "./value-rules/index.js";
import type { StaticType } from "./value-rules/value-rule.type.js";

/** Values of a node's outputs that follow from constants and from shapes, before the graph runs. */
export function knownOutputs(call: OperatorCall, types: readonly TensorType[]): (KnownValue | undefined)[] {
  const unknown = types.map(() => undefined);
  const tensor = call.node.operator === "Constant" ? call.attribute("value", "tensor")?.value : undefined;
  if (tensor !== undefined) return [tensor];
  const rule = valueRules[call.node.operator];
  if (rule === undefined || !types.every(isSmall)) return unknown;
  const elements = rule(call, types);
  return types.map(({ elementType, shape }, position) => {
    const own = elements?.[position];
    return own && knownValueOf(elementType, shape, own);
  });
}

function isSmall(type: TensorType): type is StaticType {
  return isStatic(type.shape) && elementCount(type.shape) <= largestFollowedValue;
}
