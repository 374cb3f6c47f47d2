import { attribute, type Node, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import { alignedTo, blockedNode } from "./channel-blocks.js";
import type { LoweredValues } from "./lowered-values.js";
import { int, ints, type NodeIndex, text } from "./node-index.js";

/** What a node on blocks gives: in blocks itself, or with nothing left to block. */
export interface Pooled {
  readonly value: Value;
  readonly blocked: boolean;
}

/** Poolings of an image that lies in blocks; undefined where the plain form has to do. */
export function lowerPooling(node: Node, values: LoweredValues, index: NodeIndex): Pooled | undefined {
  const [x = ""] = node.inputs;
  const output = index.shape(node.outputs[0] ?? "");
  if (output === undefined || node.outputs.length !== 1) return undefined;
  if (node.operator === "Expand") return expanded(node, output, values, index);
  if (!values.isBlocked(x)) return undefined;
  switch (node.operator) {
    case "GlobalAveragePool":
      return { value: mean(values, x), blocked: false };
    case "ReduceMean": {
      const axes = ints(node, "axes") ?? index.numbers(node.inputs[1])?.map(Number);
      if (axes?.map((axis) => (axis < 0 ? axis + 4 : axis)).join() !== "2,3") return undefined;
      const pooled = mean(values, x);
      return { value: int(node, "keepdims", 1) === 1 ? pooled : values.graph.reshape(pooled, output), blocked: false };
    }
    case "AveragePool":
    case "MaxPool":
      return windowed(node, x, output, values);
    default:
      return undefined;
  }
}

/** [N, C, 1, 1]. */
function mean({ graph: g, ...values }: LoweredValues, x: string): Value {
  const image = values.blocked(x);
  const channels = values.shape(x)[1] ?? 1;
  const [n = 1, aligned = 1] = shapeOf(image);
  const pooled = blockedNode(g, "GlobalAveragePool", [image], {}, [n, aligned, 1, 1]);
  return aligned === channels ? pooled : g.slice(pooled, [0], [channels], [1]);
}

function windowed(node: Node, x: string, output: readonly number[], values: LoweredValues): Pooled | undefined {
  const kernel = ints(node, "kernel_shape");
  const isUsual = text(node, "auto_pad", "NOTSET") === "NOTSET" && int(node, "ceil_mode", 0) === 0;
  if (kernel?.length !== 2 || !isUsual || int(node, "storage_order", 0) !== 0) return undefined;
  const { graph: g, block } = values;
  const [n = 1, channels = 1, ...places] = output;
  const settings = Object.fromEntries([...node.attributes].filter(([name]) => name !== "storage_order"));
  const shape = [n, alignedTo(block, channels), ...places];
  return {
    value: blockedNode(g, node.operator, [values.blocked(x)], { ...settings, ceil_mode: attribute.int(0) }, shape),
    blocked: true,
  };
}

/** One number a channel spread over its places: the gradient of a mean, wanted in blocks by what follows it. */
function expanded(
  node: Node,
  output: readonly number[],
  { graph: g, block, plain }: LoweredValues,
  index: NodeIndex,
): Pooled | undefined {
  const [x = ""] = node.inputs;
  const [n = 1, channels = 1, rows = 1, columns = 1] = output;
  const shape = index.shape(x);
  const isPerChannel = shape?.join() === [n, channels, 1, 1].join() && output.length === 4 && rows * columns > 1;
  const isFloat = index.type(x)?.elementType === "float32";
  if (!isPerChannel || !isFloat || channels % block !== 0) return undefined;
  const split = g.reshape(plain(x), [n, channels / block, 1, 1, block]);
  const spread = g.expand(split, [n, channels / block, rows, columns, block]);
  return { value: g.reshape(spread, [n, channels, rows, columns]), blocked: true };
}
