import { type InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { elementCount, type Graph, type GraphValue } from "../onnx/index.js";
import { deviceFailure } from "./device-failure.js";
import { type DeviceOptions, floats, openSession } from "./runtime-session.js";

/**
 * Opens a graph and runs it once over zeros: a GPU's provider refuses some nodes only when they run. What it compiles for
 * that, it keeps. The CPU's refuses none, and is spared the time.
 * @param graph static but for the batch
 * @param staying outputs that stay on the device
 * @throws DeviceUnavailable, DeviceCannotRun
 */
export async function openTried(
  graph: Graph,
  options: DeviceOptions,
  batch: number,
  staying: readonly string[] = [],
): Promise<InferenceSession> {
  const { device = "cpu" } = options;
  const session = await openSession(graph, options, staying);
  if (device === "cpu") return session;
  const read = new Set(session.inputNames);
  const feeds = graph.inputs.filter(({ name }) => read.has(name)).map((input) => [input.name, zeros(input, batch)]);
  try {
    const results = await session.run(Object.fromEntries(feeds));
    for (const result of Object.values(results)) if (result.location !== "cpu") result.dispose();
  } catch (error) {
    await session.release();
    throw deviceFailure(device, error);
  }
  return session;
}

function zeros({ name, type }: GraphValue, batch: number): RuntimeTensor {
  const shape = type.shape.map((size) => (typeof size === "number" ? size : batch));
  const length = elementCount(shape);
  switch (type.elementType) {
    case "float32":
      return floats(new Float32Array(length), shape);
    case "int32":
      return new RuntimeTensor("int32", new Int32Array(length), shape);
    default:
      throw new TypeError(`a step is fed with no ${type.elementType}, as "${name}" is`);
  }
}
