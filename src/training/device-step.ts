import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { type Graph, GraphBuilder } from "../onnx/index.js";
import { deviceFailure } from "./device-failure.js";
import { openTried } from "./dry-run.js";
import { AVERAGE, AVERAGE_KEPT, GRADIENT_NORM, kept, next, withOptimiser } from "./optimiser-step-graph.js";
import { averageKept, numberInput } from "./optimisers/index.js";
import { type DeviceOptions, floats, floatsOf, openSession } from "./runtime-session.js";
import type { EngineSettings, StepEngine, TrainingArrays } from "./step-engine.type.js";
import { STEP } from "./training-graph.js";

/**
 * Weights on the device: the optimiser is part of the graph, and what comes out of one step goes into the next without
 * passing through the host. `download` fetches it when somebody asks.
 */
export async function openDeviceStep(
  graph: Graph,
  { weights, average, optimiser }: TrainingArrays,
  settings: EngineSettings,
  options: DeviceOptions,
): Promise<StepEngine> {
  const { space, batch, averaging = 0 } = settings;
  const { arrays } = optimiser.memory();
  const numberNames = Object.keys(optimiser.numbers("head", 0));
  const stepGraph = withOptimiser(graph, settings, Object.keys(arrays), numberNames);
  /** Every array with the name that its part for one weight has in the graph. */
  const columns: readonly (readonly [array: Float32Array, nameOf: (weight: string) => string])[] = [
    [weights, (weight) => weight],
    ...Object.entries(arrays).map(([key, array]) => [array, (weight: string) => kept(key, weight)] as const),
    ...(average ? [[average, (weight: string) => kept(AVERAGE, weight)] as const] : []),
  ];
  const parts = columns.flatMap(([array, nameOf]) =>
    space.parameters.map(({ name, shape, from, to }) => ({
      name: nameOf(name),
      shape,
      values: array.subarray(from, to),
    })),
  );
  const onDevice = (options.device ?? "cpu") !== "cpu";
  const staying = onDevice ? parts.map(({ name }) => next(name)) : [];
  const session = await openTried(stepGraph, options, batch, staying);
  const inputs = new Set(session.inputNames);
  let reader: InferenceSession | undefined;
  /** What lies on the device and is newer than the arrays. */
  let current = new Map<string, RuntimeTensor>();
  const release = (tensors: Iterable<RuntimeTensor>) => {
    if (onDevice) for (const tensor of tensors) tensor.dispose();
  };
  return {
    async step(feeds, rates, step) {
      const numbers: Record<string, RuntimeTensor> = { [AVERAGE_KEPT]: scalar(averageKept(averaging, step)) };
      for (const group of ["head", "trunk"] as const) {
        for (const [name, value] of Object.entries(optimiser.numbers(group, rates[group]))) {
          numbers[numberInput(group, name)] = scalar(value);
        }
      }
      const state = Object.fromEntries(
        parts.map(({ name, shape, values }) => [name, current.get(name) ?? floats(values, shape)]),
      );
      const fed = Object.entries({ ...state, ...numbers, ...feeds }).filter(([name]) => inputs.has(name));
      const results = await session.run(Object.fromEntries(fed)).catch((error: unknown) => {
        throw deviceFailure(options.device ?? "cpu", error);
      });
      const before = current;
      current = new Map(parts.map(({ name }) => [name, results[next(name)] as RuntimeTensor]));
      release(before.values());
      const loss = floatsOf(results[STEP.loss], STEP.loss)[0] ?? Number.NaN;
      const gradientNorm = floatsOf(results[GRADIENT_NORM], GRADIENT_NORM)[0] ?? Number.NaN;
      if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) optimiser.counted(rates);
      return {
        loss,
        active: floatsOf(results[STEP.active], STEP.active)[0] ?? Number.NaN,
        gradientNorm,
        embeddings: floatsOf(results[STEP.embeddings], STEP.embeddings),
      };
    },
    async download() {
      if (current.size === 0) return;
      let results: Readonly<Record<string, RuntimeTensor>> = Object.fromEntries(
        [...current].map(([name, tensor]) => [`read/${name}`, tensor]),
      );
      if (onDevice) {
        // `getData()` of a tensor on WebGPU ends the process; outputs of a graph come to the host unharmed.
        reader ??= await openSession(readingGraph(parts), options);
        results = await reader.run(Object.fromEntries(current));
      }
      for (const { name, values } of parts) values.set(floatsOf(results[`read/${name}`], name));
    },
    upload() {
      release(current.values());
      current = new Map();
    },
    async dispose() {
      release(current.values());
      current = new Map();
      await reader?.release();
      await session.release();
    },
  };
}

/** Passes everything on, to outputs that lie on the host. */
function readingGraph(parts: readonly { readonly name: string; readonly shape: readonly number[] }[]): Graph {
  const g = new GraphBuilder({ name: "read" });
  for (const { name, shape } of parts) g.output(g.identity(g.input(name, "float32", shape), `read/${name}`));
  return g.graph();
}

function scalar(value: number): RuntimeTensor {
  return floats(Float32Array.of(value), []);
}
