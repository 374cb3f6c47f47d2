import { InferenceSession, Tensor } from "onnxruntime-node";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import { EncoderBroken } from "../encoders/encoder-errors.js";
import { poolVectors } from "../encoders/pooling.js";
import { messageOf } from "../errors.js";
import type { Embedder } from "./embedder.type.js";
import { DeviceUnavailable } from "./embedding.errors.js";
import { webGpuModel } from "./webgpu-model.js";

export type Device = Embedder["device"];

/** An encoder loaded on a device: input tensor in, unit vectors out. */
export interface EncoderSession {
  /** @param input `count` photos in the manifest's layout */
  run(input: Float32Array, count: number): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/**
 * @param threads cores that one run may use, on the cpu
 * @throws DeviceUnavailable where this encoder does not load on a GPU; EncoderBroken
 */
export async function openEncoderSession(
  encoder: InstalledEncoder,
  device: Device,
  threads: number,
): Promise<EncoderSession> {
  const { manifest } = encoder;
  const { size, layout } = manifest.preprocessing;
  const shape = layout === "NCHW" ? [3, size, size] : [size, size, 3];
  const session = await load(encoder, device, threads, shape);
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

async function load(encoder: InstalledEncoder, device: Device, threads: number, photo: readonly number[]) {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  };
  try {
    if (device === "webgpu") return await InferenceSession.create(await webGpuModel(encoder, photo), options);
    return await InferenceSession.create(encoder.modelPath, options);
  } catch (error) {
    if (device === "cpu") throw error;
    throw new DeviceUnavailable(
      `Encoder "${encoder.manifest.name}" cannot run on ${device}: ${messageOf(error)} Use the device "cpu".`,
      { cause: error },
    );
  }
}
