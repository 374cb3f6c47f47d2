import { type Graph, GraphBuilder, type Node, pruneGraph } from "../../onnx/index.js";
import { nameOutputs } from "../name-outputs.js";
import { blockedOperatorSet } from "./channel-blocks.js";
import type { GradientForm } from "./gradient-form.type.js";
import { type Activation, convolutionKind, lowerConvolution } from "./lower-convolution.js";
import { lowerClipGradient, lowerElementWise } from "./lower-element-wise.js";
import { lowerGelu } from "./lower-gelu.js";
import { lowerInputGradient } from "./lower-input-gradient.js";
import { lowerMaxPoolGradient } from "./lower-max-pool-gradient.js";
import { lowerPooling } from "./lower-pooling.js";
import { lowerSpread } from "./lower-spread.js";
import { lowerBiasGradient, lowerDenseWeightGradient, lowerDepthwiseWeightGradient } from "./lower-weight-gradient.js";
import { type LoweredValues, lowerValues } from "./lowered-values.js";
import { indexNodes, int, ints, type NodeIndex, text } from "./node-index.js";
import { recogniseGradients } from "./recognise-gradients.js";

export interface LoweringOptions {
  /** Channels a block of the runtime's layout on this processor; `probeCpuLowering` finds it out. */
  readonly block: 8 | 16;
}

/**
 * The same training step in forms that ONNX Runtime's CPU backend has fast kernels for. Inputs and outputs keep their
 * names, shapes and meaning.
 * @param graph static shapes, types of all values known
 */
export function lowerForCpu(graph: Graph, { block }: LoweringOptions): Graph {
  const index = indexNodes(graph);
  const forms = recogniseGradients(graph);
  const g = new GraphBuilder({
    name: graph.name,
    opset: graph.opset,
    otherOpsets: new Map([...graph.otherOpsets, blockedOperatorSet]),
  });
  const values = lowerValues(g, block);
  for (const { name, type } of graph.inputs) values.setPlain(name, g.input(name, type.elementType, type.shape));
  for (const [name, tensor] of graph.initialisers) values.setPlain(name, g.initialiser(name, tensor));
  const done = new Set<Node>();
  for (const node of graph.nodes) {
    if (done.has(node)) continue;
    const form = forms.get(node.outputs[0] ?? "");
    if (form && lowerForm(form, node, values, index)) continue;
    if (lowerForward(node, values, index, done)) continue;
    copy(node, values, index);
  }
  const wanted = new Map(graph.outputs.map(({ name }) => [name, values.plain(name).name]));
  // Types stay among those of inner values: naming outputs drops what the old ones were.
  return nameOutputs(pruneGraph(withOutputs(g.graph(), wanted)), wanted);
}

function withOutputs(graph: Graph, wanted: ReadonlyMap<string, string>): Graph {
  return { ...graph, outputs: [...new Set(wanted.values())].map((name) => ({ name, type: undefined })) };
}

function lowerForm(form: GradientForm, node: Node, values: LoweredValues, index: NodeIndex): boolean {
  const output = node.outputs[0] ?? "";
  switch (form.kind) {
    case "input": {
      const [, channels = 1, ...sizes] = index.shape(output) ?? [];
      const kind = convolutionKind(channels, values.shape(form.w), form.geometry.group);
      const dx = kind && lowerInputGradient(values, form.dy, form.w, form.geometry, sizes);
      if (dx) values.setBlocked(output, dx, channels);
      return dx !== undefined;
    }
    case "weight": {
      const { group } = form.geometry;
      const [, channels = 1] = values.shape(form.x);
      const [, filters = 1] = values.shape(form.dy);
      if (group === 1) values.setPlain(output, lowerDenseWeightGradient(values, form.x, form.dy, form.geometry));
      else if (group === channels && filters === channels)
        values.setPlain(output, lowerDepthwiseWeightGradient(values, form.x, form.dy, form.geometry));
      else return false;
      return true;
    }
    case "bias":
      if (!values.isBlocked(form.dy)) return false;
      values.setPlain(output, lowerBiasGradient(values, form.dy));
      return true;
    case "maxPool": {
      const dx = values.isBlocked(form.x) && lowerMaxPoolGradient(values, form.x, form.y, form.dy, form.window);
      if (dx) values.setBlocked(output, dx, values.shape(form.x)[1] ?? 1);
      return Boolean(dx);
    }
    case "clip": {
      const { value, blocked } = lowerClipGradient(values, form.y, form.dy, form.low, form.high);
      if (blocked) values.setBlocked(output, value, values.shape(form.y)[1] ?? 1);
      else values.setPlain(output, value);
      return true;
    }
  }
}

function lowerForward(node: Node, values: LoweredValues, index: NodeIndex, done: Set<Node>): boolean {
  if (node.domain !== "") return false;
  const [output = ""] = node.outputs;
  const channels = index.shape(output)?.[1] ?? 1;
  if (node.operator === "Conv") return lowerForwardConvolution(node, values, index, done);
  const spread = lowerSpread(node, values, index);
  if (spread) {
    values.setPlain(output, spread);
    return true;
  }
  const gelu = lowerGelu(node, values, index);
  if (gelu) {
    values.setPlain(output, gelu);
    return true;
  }
  const pooled = lowerPooling(node, values, index);
  if (pooled?.blocked) values.setBlocked(output, pooled.value, channels);
  else if (pooled) values.setPlain(output, pooled.value);
  if (pooled) return true;
  const result = lowerElementWise(node, values, index);
  if (result) values.setBlocked(output, result, channels);
  return result !== undefined;
}

function lowerForwardConvolution(node: Node, values: LoweredValues, index: NodeIndex, done: Set<Node>): boolean {
  const [x = "", w = "", bias] = node.inputs;
  const [, channels = 1, ...places] = index.shape(x) ?? [];
  const [, outputs = 1, ...sizes] = index.shape(node.outputs[0] ?? "") ?? [];
  const group = int(node, "group", 1);
  const filter = index.shape(w) ?? [];
  const pads = ints(node, "pads") ?? [0, 0, 0, 0];
  const isPlain = text(node, "auto_pad", "NOTSET") === "NOTSET" && pads.every((pad) => pad >= 0);
  const isFloat = index.type(x)?.elementType === "float32";
  if (!convolutionKind(channels, filter, group) || places.length !== 2 || sizes.length !== 2 || !isPlain || !isFloat) {
    return false;
  }
  // Filters that are results of the graph, as in the plain gradient of weights, are no filters of a layer.
  if (index.maker(w) !== undefined) return false;
  const next = followingActivation(node, index);
  const result = lowerConvolution(values, x, w, bias === "" ? undefined : bias, {
    geometry: {
      kernel: [filter[2] ?? 1, filter[3] ?? 1],
      strides: pairOf(ints(node, "strides"), 1),
      dilations: pairOf(ints(node, "dilations"), 1),
      padsBefore: pairOf(pads.slice(0, 2), 0),
    },
    padsAfter: pairOf(pads.slice(2), 0),
    group,
    activation: next?.activation,
  });
  values.setBlocked(next?.node.outputs[0] ?? node.outputs[0] ?? "", result, outputs);
  if (next) done.add(next.node);
  return true;
}

/** The ReLU or clipping that alone reads a convolution. */
function followingActivation(node: Node, index: NodeIndex): { node: Node; activation: Activation } | undefined {
  const [output = ""] = node.outputs;
  const [next, ...others] = index.readers(output);
  if (next === undefined || others.length > 0 || index.isOutput(output) || next.inputs[0] !== output) return undefined;
  if (next.operator === "Relu") return { node: next, activation: { operator: "Relu", bounds: undefined } };
  if (next.operator !== "Clip") return undefined;
  const [low, high] = [1, 2].map((position) => index.numbers(next.inputs[position] || undefined)?.[0]);
  if (low === undefined || high === undefined) return undefined;
  return { node: next, activation: { operator: "Clip", bounds: [Number(low), Number(high)] } };
}

function pairOf(values: readonly number[] | undefined, fallback: number): [number, number] {
  return [values?.[0] ?? fallback, values?.[1] ?? fallback];
}

function copy(node: Node, values: LoweredValues, index: NodeIndex): void {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : values.plain(name)));
  const types = node.domain === "" ? undefined : node.outputs.map((name) => index.type(name));
  const made = values.graph.nodes(node.operator, inputs, Object.fromEntries(node.attributes), {
    name: node.name,
    domain: node.domain,
    outputs: node.outputs.length,
    ...(types?.every((type) => type !== undefined) && { outputTypes: types }),
  });
  for (const [position, name] of node.outputs.entries()) {
    const value = made[position];
    if (name !== "" && value) values.setPlain(name, value);
  }
}
