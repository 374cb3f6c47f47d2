import type { Node } from "../../onnx/index.js";
import type { GradientForm } from "./gradient-form.type.js";
import { int, ints, type NodeIndex, text } from "./node-index.js";

const placing: ReadonlySet<string> = new Set(["Pad", "Reshape", "Unsqueeze"]);

/**
 * Where the gradient that the rule of MaxPool wrote ends, and what it is of. The rule asks of each tap in turn whether
 * it equals y: Mul(∂y, Mul(open, Cast(Equal(view, y)))), put where the tap lies, and summed.
 */
export function recogniseMaxPool(pooling: Node, index: NodeIndex): [value: string, form: GradientForm] | undefined {
  const [x = ""] = pooling.inputs;
  const [y = ""] = pooling.outputs;
  const window = windowOf(pooling);
  if (pooling.domain !== "" || pooling.outputs.length !== 1 || window === undefined) return undefined;
  const tests = index.readers(y).filter(({ operator, inputs }) => operator === "Equal" && inputs[1] === y);
  const products = tests.map((test) => productOf(test, index));
  const [dy = ""] = products[0]?.inputs ?? [];
  const isWhole = tests.length === window.kernel[0] * window.kernel[1] && tests.length > 1;
  if (!isWhole || products.some((product) => product?.inputs[0] !== dy)) return undefined;
  const total = placed(products.at(-1), index);
  const end = total && sameShape(index, total, x) ? total : onlyReader(index, total, "Pad")?.outputs[0];
  return end && sameShape(index, end, x) ? [end, { kind: "maxPool", x, y, dy, window }] : undefined;
}

function windowOf(pooling: Node) {
  const kernel = ints(pooling, "kernel_shape");
  const strides = ints(pooling, "strides") ?? [1, 1];
  const pads = ints(pooling, "pads") ?? [0, 0, 0, 0];
  const isUsual =
    text(pooling, "auto_pad", "NOTSET") === "NOTSET" &&
    int(pooling, "ceil_mode", 0) === 0 &&
    (ints(pooling, "dilations") ?? []).every((step) => step === 1) &&
    pads.every((pad) => pad >= 0);
  if (kernel?.length !== 2 || strides.length !== 2 || pads.length !== 4 || !isUsual) return undefined;
  const pair = ([rows = 0, columns = 0]: readonly number[]) => [rows, columns] as const;
  return { kernel: pair(kernel), strides: pair(strides), padsBefore: pair(pads) };
}

function productOf(test: Node, index: NodeIndex): Node | undefined {
  const chosen = onlyReader(index, onlyReader(index, test.outputs[0], "Cast")?.outputs[0], "Mul")?.outputs[0];
  return index.readers(chosen ?? "").find(({ operator, inputs }) => operator === "Mul" && inputs[1] === chosen);
}

/** From the product of the last tap to the sum of all. */
function placed(product: Node | undefined, index: NodeIndex): string | undefined {
  let value = product?.outputs[0];
  for (let steps = 0; value !== undefined && steps < 16; steps++) {
    const [reader, ...others] = index.readers(value);
    if (reader === undefined || others.length > 0) return undefined;
    if (reader.operator === "Add") return reader.outputs[0];
    if (!placing.has(reader.operator)) return undefined;
    value = reader.outputs[0];
  }
  return undefined;
}

function onlyReader(index: NodeIndex, value: string | undefined, operator: string): Node | undefined {
  const [reader, ...others] = index.readers(value ?? "");
  return others.length === 0 && reader?.operator === operator ? reader : undefined;
}

function sameShape(index: NodeIndex, a: string, b: string): boolean {
  const shape = index.shape(a);
  return shape?.length === 4 && shape.join() === index.shape(b)?.join();
}
