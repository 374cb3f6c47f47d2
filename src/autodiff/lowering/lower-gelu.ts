import type { Node, Value } from "../../onnx/index.js";
import type { LoweredValues } from "./lowered-values.js";
import type { NodeIndex } from "./node-index.js";

/**
 * Two steps of GELU in one pass over memory less each: ½ (erf u + 1), which lies between 0 and 1 anyway, as HardSigmoid,
 * and u · e^(−u²) as u / e^(u²), which needs no negative.
 */
export function lowerGelu(node: Node, values: LoweredValues, index: NodeIndex): Value | undefined {
  if (node.operator !== "Mul" || node.domain !== "" || node.inputs.some((name) => values.isBlocked(name))) {
    return undefined;
  }
  return lowerShare(node, values, index) ?? lowerDensity(node, values, index);
}

function lowerShare(node: Node, values: LoweredValues, index: NodeIndex): Value | undefined {
  const [sum = "", half] = node.inputs;
  const add = index.maker(sum);
  const [error = "", one] = add?.inputs ?? [];
  const isShare = add?.operator === "Add" && index.maker(error)?.operator === "Erf" && !values.isBlocked(error);
  const isHalved = index.numbers(half)?.[0] === 0.5 && index.numbers(one)?.[0] === 1;
  return isShare && isHalved && isScalar(half, index) && isScalar(one, index)
    ? values.graph.hardSigmoid(values.plain(error), 0.5, 0.5)
    : undefined;
}

function lowerDensity(node: Node, values: LoweredValues, index: NodeIndex): Value | undefined {
  const { graph: g } = values;
  const [u = "", power = ""] = node.inputs;
  const exp = index.maker(power);
  const negative = exp?.operator === "Exp" ? index.maker(exp.inputs[0] ?? "") : undefined;
  const square = negative?.operator === "Neg" ? index.maker(negative.inputs[0] ?? "") : undefined;
  const isSquare = square?.operator === "Mul" && square.inputs[0] === u && square.inputs[1] === u;
  const [name = ""] = square?.outputs ?? [];
  return isSquare && !values.isBlocked(name) ? g.div(values.plain(u), g.exp(values.plain(name))) : undefined;
}

function isScalar(name: string | undefined, index: NodeIndex): boolean {
  return index.shape(name ?? "")?.every((size) => size === 1) ?? false;
}
