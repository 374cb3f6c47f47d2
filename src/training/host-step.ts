import type { Graph } from "../onnx/index.js";
import { deviceFailure } from "./device-failure.js";
import { openTried } from "./dry-run.js";
import { averageInto, clipToNorm, globalNorm } from "./optimisers/index.js";
import { type DeviceOptions, floats, floatsOf } from "./runtime-session.js";
import type { EngineSettings, StepEngine, TrainingArrays } from "./step-engine.type.js";
import { STEP } from "./training-graph.js";

/**
 * Weights on the host: the step graph gives gradients, loops over flat arrays do the rest. On the CPU the runtime reads
 * weights and writes gradients in those arrays, without a copy.
 */
export async function openHostStep(
  graph: Graph,
  { flat, weights, average, optimiser }: TrainingArrays,
  { space, batch, clipNorm, averaging = 0 }: EngineSettings,
  options: DeviceOptions,
): Promise<StepEngine> {
  const gradient = flat.array();
  const session = await openTried(graph, options, batch);
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
    async step(feeds, rates, step) {
      const results = await session.run({ ...weightFeeds, ...feeds }, fetches).catch((error: unknown) => {
        throw deviceFailure(options.device ?? "cpu", error);
      });
      for (const { name, from } of onHost ? [] : space.parameters) {
        gradient.set(floatsOf(results[STEP.gradient(name)], name), from);
      }
      const loss = floatsOf(results[STEP.loss], STEP.loss)[0] ?? Number.NaN;
      const gradientNorm = globalNorm(flat, gradient);
      if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
        if (clipNorm !== undefined) clipToNorm(flat, gradient, gradientNorm, clipNorm);
        optimiser.step(weights, gradient, rates);
        if (average) averageInto(flat, average, weights, averaging, step);
      }
      return {
        loss,
        active: floatsOf(results[STEP.active], STEP.active)[0] ?? Number.NaN,
        gradientNorm,
        embeddings: floatsOf(results[STEP.embeddings], STEP.embeddings),
      };
    },
    download: async () => {},
    upload: () => {},
    dispose: () => session.release(),
  };
}
