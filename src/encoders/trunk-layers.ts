import { EncoderBroken } from "./encoder-errors.js";
import type { TfliteModel, TfliteOperator, TfliteTensor } from "./tflite-model.js";

/** A constant of the graph, in ONNX order. */
export interface TrunkConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** One step of the trunk in ONNX terms (NCHW): a convolution or an addition, and perhaps relu6 after it. */
export interface TrunkLayer {
  /** `stem`, `block_0/depthwise` … `block_16/project`, `conv_1`. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly relu6: boolean;
  /** `[channels, height, width]` of the output. */
  readonly shape: readonly [number, number, number];
  readonly convolution?: {
    readonly weight: TrunkConstant;
    readonly bias: TrunkConstant;
    readonly group: number;
    readonly stride: number;
    /** ONNX order: top, left, bottom, right. */
    readonly pads: readonly [number, number, number, number];
    readonly kernel: readonly [number, number];
  };
}

/** The graph input's name; every value that leaves a block is named after the block that reads it. */
export const TRUNK_INPUT = "pixels";
export const TRUNK_OUTPUT = "conv_1";
const BLOCKS = 17;

type Role = "expand" | "depthwise" | "project" | "add";

/** Where an operator stands in MobileNetV2, read from the name that training gave its output. */
function placeOf(name: string): { block: number; role: Role } | "stem" | "conv_1" | undefined {
  const match =
    /^FeatureExtractor\/MobilenetV2\/(?:(Conv|Conv_1)|expanded_conv(?:_(\d+))?\/(expand|depthwise|project|add))(?:\/|;|$)/.exec(
      name,
    );
  if (match === null) return undefined;
  if (match[1] !== undefined) return match[1] === "Conv" ? "stem" : "conv_1";
  return { block: Number(match[2] ?? 0), role: match[3] as Role };
}

/**
 * TensorFlow's SAME padding for one axis: the output has ⌈side / stride⌉ positions and an odd total puts the greater
 * half at the end, so that a 3×3 convolution of stride 2 over an even side pads 0 before and 1 after. Symmetric
 * padding of 1 would shift the grid by one pixel at each of the five strides.
 */
export function samePadding(
  side: number,
  kernel: number,
  stride: number,
): { out: number; before: number; after: number } {
  const out = Math.ceil(side / stride);
  const total = Math.max((out - 1) * stride + kernel - side, 0);
  const before = Math.floor(total / 2);
  return { out, before, after: total - before };
}

/** [A, h, w, B] → [A, B, h, w] (convolution) or [1, h, w, C] → [C, 1, h, w] (depthwise). */
function toOnnxKernel(
  values: Float32Array,
  shape: readonly number[],
  depthwise: boolean,
): { shape: number[]; values: Float32Array } {
  const [outer = 0, height = 0, width = 0, inner = 0] = shape;
  const result = new Float32Array(values.length);
  for (let a = 0; a < outer; a++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let b = 0; b < inner; b++) {
          const plane = depthwise ? b : a * inner + b;
          result[(plane * height + y) * width + x] = values[((a * height + y) * width + x) * inner + b]!;
        }
      }
    }
  }
  return { shape: depthwise ? [inner, 1, height, width] : [outer, inner, height, width], values: result };
}

/** Operators that lead to `target`, in graph order. */
function pathTo(model: TfliteModel, target: number): TfliteOperator[] {
  const producers = new Map(model.operators.map((operator) => [operator.output, operator]));
  const wanted = new Set<number>();
  const visit = (tensor: number): void => {
    const producer = producers.get(tensor);
    if (producer === undefined || wanted.has(tensor)) return;
    wanted.add(tensor);
    for (const input of producer.inputs) visit(input);
  };
  visit(target);
  return model.operators.filter((operator) => wanted.has(operator.output));
}

function outputName(place: NonNullable<ReturnType<typeof placeOf>>, blocksWithAdd: ReadonlySet<number>): string {
  if (place === "stem") return "block_0/input";
  if (place === "conv_1") return TRUNK_OUTPUT;
  const last = place.role === "add" || (place.role === "project" && !blocksWithAdd.has(place.block));
  if (!last) return `block_${place.block}/${place.role}`;
  return place.block + 1 < BLOCKS ? `block_${place.block + 1}/input` : "conv_1/input";
}

/**
 * Lays out the MobileNetV2 trunk of a TFLite detector as ONNX layers for a square input of `size` pixels: kernels in
 * NCHW order and float32, SAME padding written out, values named by block.
 * @throws EncoderBroken when the graph is not the MobileNetV2 that is expected
 */
export function layTrunk(model: TfliteModel, size: number): TrunkLayer[] {
  const target = model.tensors.find(({ name }) => /^FeatureExtractor\/MobilenetV2\/Conv_1\/Relu6/.test(name));
  if (target === undefined) throw new EncoderBroken("The TFLite graph has no MobileNetV2 trunk output (Conv_1/Relu6).");
  const operators = pathTo(model, target.index);
  const dequantized = new Map<number, TfliteTensor>();
  const computed = operators.filter((operator) => {
    if (operator.kind !== "dequantize") return true;
    dequantized.set(operator.output, tensorAt(model, operator.inputs[0]));
    return false;
  });
  const places = computed.map((operator) => placeOf(tensorAt(model, operator.output).name));
  const blocksWithAdd = new Set(
    places.flatMap((place) => (typeof place === "object" && place.role === "add" ? [place.block] : [])),
  );

  const values = new Map<number, { name: string; shape: readonly [number, number, number] }>();
  const [input] = model.inputs;
  if (input !== undefined) values.set(input, { name: TRUNK_INPUT, shape: [3, size, size] });
  const constantOf = (index: number | undefined): { tensor: TfliteTensor; values: Float32Array } => {
    const tensor = tensorAt(model, index);
    return { tensor, values: model.constant(dequantized.get(tensor.index) ?? tensor) };
  };

  const layers = computed.map((operator, index): TrunkLayer => {
    const place = places[index];
    const from = operator.kind === "add" ? operator.inputs : operator.inputs.slice(0, 1);
    const inputs = from.map((tensor) => values.get(tensor));
    const [first] = inputs;
    if (place === undefined || first === undefined || inputs.includes(undefined)) {
      throw new EncoderBroken(`TFLite tensor "${tensorAt(model, operator.output).name}" is no part of a MobileNetV2.`);
    }
    const name = typeof place === "object" ? `block_${place.block}/${place.role}` : place;
    const output = outputName(place, blocksWithAdd);
    const names = inputs.map((value) => value!.name);
    if (operator.kind === "add") {
      values.set(operator.output, { name: output, shape: first.shape });
      return { name, inputs: names, output, relu6: operator.activation === "relu6", shape: first.shape };
    }
    if (operator.kind !== "conv" && operator.kind !== "depthwise-conv") {
      throw new EncoderBroken(`TFLite operator of "${name}" (kind ${operator.kind}) is not converted.`);
    }
    const depthwise = operator.kind === "depthwise-conv";
    const weight = constantOf(operator.inputs[1]);
    const bias = constantOf(operator.inputs[2]);
    const kernel = toOnnxKernel(weight.values, weight.tensor.shape, depthwise);
    const [channels = 0, , height = 0, width = 0] = kernel.shape;
    const vertical = samePadding(first.shape[1], height, operator.stride);
    const horizontal = samePadding(first.shape[2], width, operator.stride);
    const shape = [channels, vertical.out, horizontal.out] as const;
    values.set(operator.output, { name: output, shape });
    return {
      name,
      inputs: names,
      output,
      relu6: operator.activation === "relu6",
      shape,
      convolution: {
        weight: { name: `${name}/weight`, ...kernel },
        bias: { name: `${name}/bias`, shape: [channels], values: bias.values },
        group: depthwise ? channels : 1,
        stride: operator.stride,
        pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
        kernel: [height, width],
      },
    };
  });

  const blocks = new Set(places.flatMap((place) => (typeof place === "object" ? [place.block] : [])));
  if (blocks.size !== BLOCKS || layers.at(-1)?.output !== TRUNK_OUTPUT) {
    throw new EncoderBroken(`The TFLite trunk has ${blocks.size} blocks; MobileNetV2 has ${BLOCKS}.`);
  }
  return layers;
}

function tensorAt(model: TfliteModel, index: number | undefined): TfliteTensor {
  const tensor = index === undefined ? undefined : model.tensors[index];
  if (tensor === undefined) throw new EncoderBroken(`The TFLite graph names a tensor ${index} that it does not hold.`);
  return tensor;
}
