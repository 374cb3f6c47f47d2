import type { InferenceSession } from "onnxruntime-node";
import { messageOf } from "../errors.js";
import type { EncoderManifest, Preprocessing } from "./encoder.type.js";
import { EncoderBroken } from "./encoder-errors.js";
import { poolVectors } from "./pooling.js";

export interface EncoderTrial {
  readonly dims: number;
  /** Cosine of the vectors of two different test pictures; 1 would mean that the encoder sees nothing. */
  readonly cosine: number;
  readonly milliseconds: number;
}

/**
 * The runtime is loaded when a model is tried, not when this module is: its native library costs every command of the
 * CLI time and memory, and most commands only look encoders up.
 */
const loadRuntime = () => import("onnxruntime-node");

/** Opens an ONNX file. @throws EncoderBroken with the runtime's reason */
export async function openSession(modelPath: string): Promise<InferenceSession> {
  const runtime = await loadRuntime();
  try {
    return await runtime.InferenceSession.create(modelPath, { executionProviders: ["cpu"], logSeverityLevel: 3 });
  } catch (error) {
    throw new EncoderBroken(`${modelPath} cannot be loaded: ${messageOf(error)}. Export or download it again.`, {
      cause: error,
    });
  }
}

/**
 * Runs two drawn pictures, as one batch, through an encoder as its manifest describes it.
 * @throws EncoderBroken when a name, shape or size is wrong, or the vectors are not usable
 */
export async function tryEncoder(manifest: EncoderManifest, modelPath: string): Promise<EncoderTrial> {
  const session = await openSession(modelPath);
  try {
    return await trySession(manifest, session);
  } finally {
    await session.release();
  }
}

/** The same on an open session. @throws EncoderBroken */
export async function trySession(manifest: EncoderManifest, session: InferenceSession): Promise<EncoderTrial> {
  const { name, input, output } = manifest;
  if (session.inputNames.length !== 1 || session.inputNames[0] !== input) {
    throw new EncoderBroken(`Encoder "${name}" takes ${session.inputNames.join(", ")}; its manifest says "${input}".`);
  }
  if (!session.outputNames.includes(output)) {
    throw new EncoderBroken(
      `Encoder "${name}" has no output "${output}", only ${session.outputNames.join(", ")}. ` +
        "Put the encoder in with `lookalike encoder add`, which looks for the right one.",
    );
  }
  const started = performance.now();
  const [first, second] = await embedTestPictures(manifest, session);
  const milliseconds = performance.now() - started;
  if (first === undefined || second === undefined) throw new EncoderBroken(`Encoder "${name}" drops the batch.`);
  const cosine = cosineOf(first, second);
  if (cosine > 1 - 1e-6) {
    throw new EncoderBroken(
      `Encoder "${name}" gives the same vector for two different pictures. Choose another output or pooling.`,
    );
  }
  return { dims: manifest.dims, cosine, milliseconds };
}

async function embedTestPictures(manifest: EncoderManifest, session: InferenceSession): Promise<Float32Array[]> {
  const { preprocessing } = manifest;
  const { size, layout } = preprocessing;
  const pixels = new Float32Array([...testPicture(preprocessing, 0), ...testPicture(preprocessing, 1)]);
  const shape = layout === "NCHW" ? [2, 3, size, size] : [2, size, size, 3];
  const { Tensor } = await loadRuntime();
  let answer: InferenceSession.OnnxValueMapType;
  try {
    answer = await session.run({ [manifest.input]: new Tensor("float32", pixels, shape) }, [manifest.output]);
  } catch (error) {
    throw new EncoderBroken(
      `Encoder "${manifest.name}" does not run on a batch of two pictures of ${size} pixels: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  const result = answer[manifest.output];
  if (result === undefined || !(result.data instanceof Float32Array)) {
    throw new EncoderBroken(
      `Encoder "${manifest.name}": output "${manifest.output}" is ${result?.type ?? "missing"}, not float32. ` +
        "Use the fp32 file of the model.",
    );
  }
  return poolVectors({ data: result.data, dims: result.dims }, manifest);
}

/** A picture without a file: a shaded ground with a disc (0) or stripes (1), preprocessed as the manifest says. */
function testPicture({ size, layout, mean, std }: Preprocessing, motif: 0 | 1): Float32Array {
  const values = new Float32Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [u, v] = [x / size, y / size];
      const inside = motif === 0 ? (u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.09 : Math.floor(u * 8) % 2 === 0;
      const colour = inside ? [0.85, 0.2 + 0.3 * v, 0.15] : [0.5 + 0.4 * u, 0.7, 0.9 - 0.3 * v];
      for (let channel = 0; channel < 3; channel++) {
        const at = layout === "NCHW" ? (channel * size + y) * size + x : (y * size + x) * 3 + channel;
        values[at] = (colour[channel]! - mean[channel]!) / std[channel]!;
      }
    }
  }
  return values;
}

/** Of unit vectors. */
function cosineOf(a: Float32Array, b: Float32Array): number {
  return a.reduce((dot, value, index) => dot + value * b[index]!, 0);
}
