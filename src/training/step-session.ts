import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import type { Graph } from "../onnx/index.js";
import type { ParameterSpace } from "./parameters.js";
import { type DeviceOptions, floats, floatsOf, openSession } from "./runtime-session.js";
import { STEP } from "./training-graph.js";

/** Runs the step graph. Weights are read from, and gradients written into, flat arrays, without a copy on the CPU. */
export interface StepSession {
  /** @param feeds everything but weights */
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<{
    readonly loss: number;
    readonly active: number;
    readonly embeddings: Float32Array;
  }>;
  dispose(): Promise<void>;
}

export async function openStepSession(
  graph: Graph,
  space: ParameterSpace,
  weights: Float32Array,
  gradient: Float32Array,
  options: DeviceOptions,
): Promise<StepSession> {
  const session: InferenceSession = await openSession(graph, options);
  const onHost = (options.device ?? "cpu") === "cpu";
  // Views stay good for the life of the session: the arrays change in place.
  const weightFeeds = Object.fromEntries(
    space.parameters.map(({ name, shape, from, to }) => [name, floats(weights.subarray(from, to), shape)]),
  );
  const gradientFetches = Object.fromEntries(
    space.parameters.map(({ name, shape, from, to }) => [
      STEP.gradient(name),
      onHost ? floats(gradient.subarray(from, to), shape) : null,
    ]),
  );
  const fetches = { [STEP.loss]: null, [STEP.active]: null, [STEP.embeddings]: null, ...gradientFetches };
  return {
    async run(feeds) {
      const results = await session.run({ ...weightFeeds, ...feeds }, fetches);
      if (!onHost) {
        for (const { name, from } of space.parameters) {
          gradient.set(floatsOf(results[STEP.gradient(name)], name), from);
        }
      }
      return {
        loss: floatsOf(results[STEP.loss], STEP.loss)[0] ?? Number.NaN,
        active: floatsOf(results[STEP.active], STEP.active)[0] ?? Number.NaN,
        embeddings: floatsOf(results[STEP.embeddings], STEP.embeddings),
      };
    },
    dispose: () => session.release(),
  };
}
