import os from "node:os";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { DeviceUnavailable } from "../embedding/embedding.errors.js";
import { messageOf } from "../errors.js";
import { type Graph, modelOf, webGpuForm, writeModel } from "../onnx/index.js";

export type Device = "cpu" | "cuda" | "webgpu";

export interface DeviceOptions {
  readonly device?: Device;
  /** Threads of one operator; all cores by default. */
  readonly threads?: number;
}

/**
 * Opens a graph in ONNX Runtime. Bytes are dropped as soon as the runtime has its own copy.
 * @param staying outputs that stay on the device
 * @throws DeviceUnavailable
 */
export async function openSession(
  graph: Graph,
  { device = "cpu", threads = os.availableParallelism() }: DeviceOptions,
  staying: readonly string[] = [],
): Promise<InferenceSession> {
  const form = device === "webgpu" ? webGpuForm(graph) : graph;
  const session = InferenceSession.create(writeModel(modelOf(form)), {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    graphOptimizationLevel: "all",
    // Patterns pre-plan one block for every step: twice the peak memory, no faster (training-step bench).
    enableMemPattern: false,
    enableCpuMemArena: true,
    executionMode: "sequential",
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    ...(staying.length > 0 && {
      preferredOutputLocation: Object.fromEntries(staying.map((name) => [name, "gpu-buffer" as const])),
    }),
  });
  return session.catch((error: unknown) => {
    if (device === "cpu") throw error;
    throw new DeviceUnavailable(`Training cannot run on ${device}: ${messageOf(error)}. Use the device "cpu".`, {
      cause: error,
    });
  });
}

export function floats(values: Float32Array, shape: readonly number[]): RuntimeTensor {
  return new RuntimeTensor("float32", values, [...shape]);
}

export function integers(values: Int32Array): RuntimeTensor {
  return new RuntimeTensor("int32", values, [values.length]);
}

/** The numbers of a float32 result on the host. */
export function floatsOf(result: RuntimeTensor | undefined, name: string): Float32Array {
  const data = result?.data;
  if (data instanceof Float32Array) return data;
  throw new TypeError(`the runtime gave no floats for "${name}"`);
}
