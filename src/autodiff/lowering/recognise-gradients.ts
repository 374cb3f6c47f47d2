import type { Graph, Node } from "../../onnx/index.js";
import type { ConvolutionGeometry, GradientForm } from "./gradient-form.type.js";
import { indexNodes, int, ints, type NodeIndex, text } from "./node-index.js";
import { recogniseMaxPool } from "./recognise-max-pool.js";

/**
 * Finds in a differentiated graph the groups of plain nodes that the rules of Conv, Relu and Clip emit, by the value
 * that each group ends in. The nodes stay where they are: what nobody reads any more is pruned after lowering.
 */
export function recogniseGradients(graph: Graph): ReadonlyMap<string, GradientForm> {
  const index = indexNodes(graph);
  const forms = new Map<string, GradientForm>();
  for (const node of graph.nodes) {
    if (node.domain !== "") continue;
    const pooled = node.operator === "MaxPool" ? recogniseMaxPool(node, index) : undefined;
    if (pooled) forms.set(...pooled);
    const output = node.outputs[0] ?? "";
    const form = recognise(node, output, index);
    if (form) forms.set(output, form);
  }
  return forms;
}

function recognise(node: Node, output: string, index: NodeIndex): GradientForm | undefined {
  switch (node.operator) {
    case "ConvTranspose":
      return transposedConvolution(node, index);
    case "ReduceSum":
      return biasGradient(node, index);
    case "Mul":
      return clipGradient(node, index);
    case "Reshape":
      return (
        pointwiseInputGradient(node, output, index) ??
        pointwiseWeightGradient(node, output, index) ??
        weightGradient(node, output, index)
      );
    default:
      return undefined;
  }
}

function transposedConvolution(node: Node, index: NodeIndex): GradientForm | undefined {
  const [dy, w, bias] = node.inputs;
  const kernel = pair(index.shape(w ?? "")?.slice(2));
  const strides = pair(ints(node, "strides") ?? [1, 1]);
  const dilations = pair(ints(node, "dilations") ?? [1, 1]);
  const padsBefore = pair((ints(node, "pads") ?? [0, 0, 0, 0]).slice(0, 2));
  const isPlain = text(node, "auto_pad", "NOTSET") === "NOTSET" && bias === undefined && !ints(node, "output_shape");
  if (!dy || !w || !kernel || !strides || !dilations || !padsBefore || !isPlain) return undefined;
  const geometry = { group: int(node, "group", 1), kernel, strides, dilations, padsBefore };
  return { kind: "input", dy, w, geometry };
}

/** ReduceSum of a feature map over everything but its channels. */
function biasGradient(node: Node, index: NodeIndex): GradientForm | undefined {
  const [dy] = node.inputs;
  const axes = ints(node, "axes") ?? index.numbers(node.inputs[1]);
  const rank = index.shape(dy ?? "")?.length;
  if (!dy || rank !== 4 || axes?.map(Number).join() !== "0,2,3" || int(node, "keepdims", 1) !== 0) return undefined;
  return { kind: "bias", dy };
}

/** Mul(∂y, Cast(And(Greater(y, low), Less(y, high)))), or one of the comparisons alone. */
function clipGradient(node: Node, index: NodeIndex): GradientForm | undefined {
  for (const [dy, mask] of [node.inputs, node.inputs.toReversed()]) {
    const cast = index.maker(mask ?? "");
    const test = cast?.operator === "Cast" ? index.maker(cast.inputs[0] ?? "") : undefined;
    if (!dy || !test || index.type(dy)?.elementType !== "float32") continue;
    const tests = test.operator === "And" ? test.inputs.map((name) => index.maker(name)) : [test];
    const above = tests.find((found) => found?.operator === "Greater");
    const below = tests.find((found) => found?.operator === "Less");
    if (tests.length !== (above ? 1 : 0) + (below ? 1 : 0)) continue;
    const y = above?.inputs[0] ?? below?.inputs[0] ?? "";
    if (below && below.inputs[0] !== y) continue;
    const [low] = index.numbers(above?.inputs[1]) ?? [];
    const [high] = index.numbers(below?.inputs[1]) ?? [];
    const known = (above === undefined || low !== undefined) && (below === undefined || high !== undefined);
    if (known && same(index.shape(y), index.shape(dy))) {
      return { kind: "clip", y, dy, low: number(low), high: number(high) };
    }
  }
  return undefined;
}

const pointwise = { group: 1, kernel: [1, 1], strides: [1, 1], dilations: [1, 1], padsBefore: [0, 0] } as const;

/** Reshape(MatMul(Transpose(Reshape(w)), Reshape(∂y))). */
function pointwiseInputGradient(node: Node, output: string, index: NodeIndex): GradientForm | undefined {
  const product = making(index, node.inputs[0], "MatMul");
  const turned = making(index, product?.inputs[0], "Transpose");
  const w = making(index, turned?.inputs[0], "Reshape")?.inputs[0];
  const dy = making(index, product?.inputs[1], "Reshape")?.inputs[0];
  if (!w || !dy || !turned || ints(turned, "perm")?.join() !== "1,0") return undefined;
  const [filters, channels, ...kernel] = index.shape(w) ?? [];
  const [n, m, ...places] = index.shape(dy) ?? [];
  const isMap = kernel.join() === "1,1" && m === filters && places.length === 2;
  if (!isMap || !same(index.shape(output), [n ?? 0, channels ?? 0, ...places])) return undefined;
  return { kind: "input", dy, w, geometry: pointwise };
}

/** Reshape(ReduceSum₀(MatMul(Reshape(∂y), Transpose(Reshape(x))))). */
function pointwiseWeightGradient(node: Node, output: string, index: NodeIndex): GradientForm | undefined {
  const sum = making(index, node.inputs[0], "ReduceSum");
  const product = making(index, sum?.inputs[0], "MatMul");
  const dy = making(index, product?.inputs[0], "Reshape")?.inputs[0];
  const turned = making(index, product?.inputs[1], "Transpose");
  const x = making(index, turned?.inputs[0], "Reshape")?.inputs[0];
  if (!sum || !dy || !turned || !x || ints(turned, "perm")?.join() !== "0,2,1") return undefined;
  const axes = ints(sum, "axes") ?? index.numbers(sum.inputs[1])?.map(Number);
  const [n, filters, ...places] = index.shape(dy) ?? [];
  const [samples, channels, ...area] = index.shape(x) ?? [];
  const fits = n === samples && same(places, area) && places.length === 2 && axes?.join() === "0";
  if (!fits || !same(index.shape(output), [filters ?? 0, channels ?? 0, 1, 1])) return undefined;
  return { kind: "weight", x, dy, geometry: pointwise };
}

/** Reshape(Transpose(Slice(Conv(x with samples as channels, Transpose(∂y))))): strides and dilations exchanged. */
function weightGradient(node: Node, output: string, index: NodeIndex): GradientForm | undefined {
  const turned = making(index, node.inputs[0], "Transpose");
  const sliced = making(index, turned?.inputs[0], "Slice");
  const swapped = making(index, sliced?.inputs[0], "Conv");
  const gradients = making(index, swapped?.inputs[1], "Transpose");
  if (!swapped || !gradients || ints(gradients, "perm")?.join() !== "1,0,2,3") return undefined;
  const dy = gradients.inputs[0] ?? "";
  const group = int(swapped, "group", 1);
  const x = imagesOf(swapped.inputs[0], group, index);
  const [filters, , ...taps] = index.shape(output) ?? [];
  const kernel = pair(taps);
  const strides = pair(ints(swapped, "dilations") ?? [1, 1]);
  const dilations = pair(ints(swapped, "strides") ?? [1, 1]);
  const padsBefore = pair((ints(swapped, "pads") ?? [0, 0, 0, 0]).slice(0, 2));
  if (!x || !kernel || !strides || !dilations || !padsBefore || index.shape(dy)?.[1] !== filters) return undefined;
  const geometry: ConvolutionGeometry = { group, kernel, strides, dilations, padsBefore };
  return { kind: "weight", x, dy, geometry };
}

function imagesOf(images: string | undefined, group: number, index: NodeIndex): string | undefined {
  if (group === 1) {
    const turned = making(index, images, "Transpose");
    return turned && ints(turned, "perm")?.join() === "1,0,2,3" ? turned.inputs[0] : undefined;
  }
  const turned = making(index, making(index, images, "Reshape")?.inputs[0], "Transpose");
  if (!turned || ints(turned, "perm")?.join() !== "2,1,0,3,4") return undefined;
  return making(index, turned.inputs[0], "Reshape")?.inputs[0];
}

function making(index: NodeIndex, value: string | undefined, operator: string): Node | undefined {
  const node = value === undefined ? undefined : index.maker(value);
  return node?.operator === operator && node.domain === "" ? node : undefined;
}

function pair(values: readonly number[] | undefined): [number, number] | undefined {
  const [rows, columns] = values ?? [];
  return values?.length === 2 && rows !== undefined && columns !== undefined ? [rows, columns] : undefined;
}

const number = (value: number | undefined) => (value === undefined ? undefined : Number(value));

function same(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((size, axis) => size === b[axis]);
}
