import { InferenceSession, Tensor } from "onnxruntime-node";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import { EncoderBroken } from "../encoders/encoder-errors.js";
import { poolVectors } from "../encoders/pooling.js";
import type { Embedder } from "./embedder.type.js";

export type Device = Embedder["device"];

/** An encoder loaded on a device: input tensor in, unit vectors out. */
export interface EncoderSession {
  /** @param input `count` photos in the manifest's layout */
  run(input: Float32Array, count: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/**
 * @param threads cores that one run may use, on the cpu
 */
export async function openEncoderSession(
  { manifest, modelPath }: InstalledEncoder,
  device: Device,
  threads: number,
): Promise<EncoderSession> {
  const session = await InferenceSession.create(modelPath, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
  const { size, layout } = manifest.preprocessing;
  const shape = layout === "NCHW" ? [3, size, size] : [size, size, 3];
  if (!session.inputNames.includes(manifest.input) || !session.outputNames.includes(manifest.output)) {
    throw new EncoderBroken(
      `Encoder "${manifest.name}" takes ${session.inputNames.join(", ")} and gives ${session.outputNames.join(", ")}, ` +
        `but its manifest names ${manifest.input} and ${manifest.output}. Correct the manifest.`,
    );
  }
  return {
    async run(input, count) {
      const feeds = { [manifest.input]: new Tensor("float32", input, [count, ...shape]) };
      const output = (await session.run(feeds, [manifest.output]))[manifest.output]!;
      if (!(output.data instanceof Float32Array)) {
        throw new EncoderBroken(`Encoder "${manifest.name}" gives ${output.type}; only float32 is used here.`);
      }
      return poolVectors({ data: output.data, dims: output.dims }, manifest);
    },
    close: () => session.release(),
  };
}
