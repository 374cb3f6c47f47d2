import type { TfliteModel, TfliteOperator } from "../../src/encoders/tflite-model.js";

/** A feature map of one picture, channels last, in double precision. */
export interface FeatureMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float64Array;
}

/**
 * A direct interpreter of TFLite's convolution, depthwise convolution and addition, as TensorFlow Lite's reference
 * kernels define them: NHWC, kernels as stored, padding found by skipping taps outside the picture. It knows nothing
 * of ONNX, of NCHW or of written-out pads, so it can disagree with the conversion wherever that is wrong.
 */
export function runTflite(model: TfliteModel, input: FeatureMap, wanted: readonly number[]): Map<number, FeatureMap> {
  const dequantized = new Map(
    model.operators.flatMap((operator) =>
      operator.kind === "dequantize" ? [[operator.output, operator.inputs[0]!] as const] : [],
    ),
  );
  const constant = (index: number): { shape: readonly number[]; values: Float32Array } => {
    const tensor = model.tensors[dequantized.get(index) ?? index]!;
    return { shape: tensor.shape, values: model.constant(tensor) };
  };
  const maps = new Map<number, FeatureMap>([[model.inputs[0]!, input]]);
  const missing = new Set(wanted);
  for (const operator of model.operators) {
    if (missing.size === 0) break;
    if (operator.kind === "dequantize" || operator.kind === "other") continue;
    const from = maps.get(operator.inputs[0]!);
    // The detector's heads hang on reshapes that are not interpreted.
    if (from === undefined) continue;
    const result =
      operator.kind === "add" ? add(from, maps.get(operator.inputs[1]!)!) : convolve(operator, from, constant);
    if (operator.activation === "relu6") clampToSix(result.values);
    maps.set(operator.output, result);
    missing.delete(operator.output);
  }
  return new Map(wanted.map((index) => [index, maps.get(index)!]));
}

function add(a: FeatureMap, b: FeatureMap): FeatureMap {
  return { ...a, values: a.values.map((value, index) => value + b.values[index]!) };
}

function clampToSix(values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = Math.min(6, Math.max(0, values[index]!));
}

function convolve(
  operator: Extract<TfliteOperator, { stride: number }>,
  from: FeatureMap,
  constant: (index: number) => { shape: readonly number[]; values: Float32Array },
): FeatureMap {
  const filter = constant(operator.inputs[1]!);
  const bias = constant(operator.inputs[2]!).values;
  const depthwise = operator.kind === "depthwise-conv";
  const [outer = 0, kernelHeight = 0, kernelWidth = 0, inner = 0] = filter.shape;
  const channels = depthwise ? inner : outer;
  const { stride } = operator;
  const height = Math.ceil(from.height / stride);
  const width = Math.ceil(from.width / stride);
  const shiftY = Math.floor(Math.max((height - 1) * stride + kernelHeight - from.height, 0) / 2);
  const shiftX = Math.floor(Math.max((width - 1) * stride + kernelWidth - from.width, 0) / 2);
  const values = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const target = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++) values[target + channel] = bias[channel]!;
      for (let tapY = 0; tapY < kernelHeight; tapY++) {
        const fromY = y * stride + tapY - shiftY;
        if (fromY < 0 || fromY >= from.height) continue;
        for (let tapX = 0; tapX < kernelWidth; tapX++) {
          const fromX = x * stride + tapX - shiftX;
          if (fromX < 0 || fromX >= from.width) continue;
          const source = (fromY * from.width + fromX) * from.channels;
          const tap = tapY * kernelWidth + tapX;
          if (depthwise) {
            for (let c = 0; c < channels; c++) {
              values[target + c]! += from.values[source + c]! * filter.values[tap * inner + c]!;
            }
          } else {
            for (let c = 0; c < channels; c++) {
              const row = (c * kernelHeight * kernelWidth + tap) * inner;
              let sum = 0;
              for (let i = 0; i < inner; i++) sum += from.values[source + i]! * filter.values[row + i]!;
              values[target + c]! += sum;
            }
          }
        }
      }
    }
  }
  return { height, width, channels, values };
}
