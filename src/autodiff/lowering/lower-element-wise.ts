import { type GraphBuilder, type Node, tensorFromNumbers, type Value } from "../../onnx/index.js";
import { shapeOf } from "../rule-call.js";
import type { LoweredValues } from "./lowered-values.js";
import type { NodeIndex } from "./node-index.js";

/** Operators that treat every element alike, so that its place does not matter. */
export const elementWise: ReadonlySet<string> = new Set([
  "Abs",
  "Add",
  "And",
  "Cast",
  "Clip",
  "Div",
  "Elu",
  "Equal",
  "Erf",
  "Exp",
  "Gelu",
  "Greater",
  "GreaterOrEqual",
  "HardSigmoid",
  "HardSwish",
  "LeakyRelu",
  "Less",
  "LessOrEqual",
  "Max",
  "Min",
  "Mul",
  "Neg",
  "Not",
  "Or",
  "Relu",
  "Sigmoid",
  "Softplus",
  "Sub",
  "Sum",
  "Tanh",
  "Where",
]);

/**
 * Runs an element-wise node on channel blocks, if one of its inputs lies so already. Operands that vary by channel only
 * are read as [C / block, 1, 1, block].
 * @returns undefined where it has to run in plain form
 */
export function lowerElementWise(node: Node, values: LoweredValues, index: NodeIndex): Value | undefined {
  const { graph: g, block } = values;
  const output = index.shape(node.outputs[0] ?? "");
  if (!elementWise.has(node.operator) || output?.length !== 4 || node.outputs.length !== 1) return undefined;
  const names = node.inputs.filter((name) => name !== "");
  const [n = 1, channels = 1, rows = 1, columns = 1] = output;
  const kinds = names.map((name) => operandKind(index.shape(name), output, block));
  const lies = names.some((name, at) => kinds[at] === "map" && values.isBlocked(name));
  const floats = names.every((name, at) => kinds[at] !== "map" || values.isBlocked(name) || isFloat(index, name));
  if (!lies || !floats || kinds.includes(undefined)) return undefined;
  const perChannel = kinds.includes("channels");
  const split = [n, Math.ceil(channels / block), rows, columns, block];
  const inputs = node.inputs.map((name) => {
    if (name === "") return undefined;
    const kind = operandKind(index.shape(name), output, block);
    if (kind === "map") return perChannel ? g.reshape(values.blocked(name), split) : values.blocked(name);
    const value = values.plain(name);
    if (kind === "one") return shapeOf(value).length === 0 ? value : asScalar(value, values);
    const shape = shapeOf(value);
    const samples = shape.length === 4 ? (shape[0] ?? 1) : 1;
    return g.reshape(value, [samples, channels / block, 1, 1, block]);
  });
  const result = g.node(node.operator, inputs, Object.fromEntries(node.attributes));
  return perChannel ? g.reshape(result, [n, Math.ceil(channels / block) * block, rows, columns]) : result;
}

function operandKind(shape: readonly number[] | undefined, output: readonly number[], block: number) {
  if (shape === undefined) return undefined;
  if (shape.every((size) => size === 1)) return "one";
  if (shape.length === 4 && shape.every((size, axis) => size === output[axis])) return "map";
  const [channels, ...places] = shape.slice(-3);
  const samples = shape.length === 4 ? shape[0] : 1;
  const fits = shape.length >= 3 && channels === output[1] && (samples === 1 || samples === output[0]);
  return fits && places.every((size) => size === 1) && (channels ?? 1) % block === 0 ? "channels" : undefined;
}

function isFloat(index: NodeIndex, name: string): boolean {
  return index.type(name)?.elementType === "float32";
}

/** [1, 1, 1, 1] as [], so that it fits whatever the layout. */
function asScalar(value: Value, { graph: g }: LoweredValues): Value {
  const known = g.knownValue(value);
  return known
    ? g.constant({ ...known, shape: [] })
    : g.node("Reshape", [value, g.constant(tensorFromNumbers("int64", [0], []))]);
}

/** ∂x = ∂y · [low < y < high] on blocks or plain, as `y` lies. */
export function lowerClipGradient(
  values: LoweredValues,
  y: string,
  dy: string,
  low: number | undefined,
  high: number | undefined,
): { value: Value; blocked: boolean } {
  const { graph: g } = values;
  const blocked = values.isBlocked(y) || values.isBlocked(dy);
  const [output, gradient] = blocked ? [values.blocked(y), values.blocked(dy)] : [values.plain(y), values.plain(dy)];
  const above = low === undefined ? undefined : stepAt(g, output, low);
  const below = high === undefined ? undefined : stepAt(g, output, high, -1);
  const passed = above ? g.mul(gradient, above) : gradient;
  return { value: below ? g.mul(passed, below) : passed, blocked };
}

/**
 * 1 where y > bound (y < bound for direction −1), else 0, as clip(slope · (y − bound), 0, 1) with a slope so steep that
 * neighbouring floats fall on 0 and 1: one vectorised pass, where a comparison and its Cast take 1.8 × as long.
 */
function stepAt(g: GraphBuilder, y: Value, bound: number, direction: 1 | -1 = 1): Value {
  const slope = direction * (bound === 0 ? 2 ** 100 : 2 ** (24 - Math.ceil(Math.log2(Math.abs(bound)))));
  return g.hardSigmoid(y, slope, -slope * bound);
}
