/**
 * Runs one kind of task on WebGPU and on the CPU, and tells by messages how far they are apart. Run by `runOnWebGpu`.
 *   node webgpu-child.js TASK FIRST
 */
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { type Graph, GraphBuilder, modelOf, webGpuForm, writeModel } from "../../src/onnx/index.js";
import { deviceFailure } from "../../src/training/device-failure.js";
import { type GradientCheck, gradientProblem } from "./check-gradient.js";
import { gradientSamples } from "./gradient-samples.js";
import type { WebGpuResult } from "./webgpu.js";
import { type Outputs, worstDifference } from "./webgpu-compare.js";
import { embeddingTasks } from "./webgpu-embedding.js";
import { formSamples } from "./webgpu-form-samples.js";
import { refusedTrainings } from "./webgpu-refusals.js";
import { optimiserTasks, stepTasks } from "./webgpu-steps.js";

type Task = () => Promise<Omit<WebGpuResult, "name">>;

/** Both devices run a graph; on WebGPU all of it, where the device has every kernel. */
export async function compare(graph: Graph, feeds: Readonly<Record<string, RuntimeTensor>>) {
  const expected = await outputsOf(graph, feeds, { executionProviders: ["cpu"] });
  const onDevice = { executionProviders: ["webgpu"] };
  const form = webGpuForm(graph);
  try {
    const whole = { ...onDevice, extra: { session: { disable_cpu_ep_fallback: "1" } } };
    return { ...worstDifference(await outputsOf(form, feeds, whole), expected), onHost: false };
  } catch (error) {
    if (!/fallback to CPU EP has been explicitly disabled/.test(String(error))) throw error;
    return { ...worstDifference(await outputsOf(form, feeds, onDevice), expected), onHost: true };
  }
}

async function outputsOf(
  graph: Graph,
  feeds: Readonly<Record<string, RuntimeTensor>>,
  options: InferenceSession.SessionOptions,
): Promise<Outputs> {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), { ...options, logSeverityLevel: 4 });
  try {
    const results = await session.run(feeds);
    return new Map(session.outputNames.map((name) => [name, results[name]?.data as Float32Array]));
  } finally {
    await session.release();
  }
}

function device(): ReadonlyMap<string, Task> {
  const probe: Task = async () => {
    const g = new GraphBuilder();
    g.output(g.relu(g.input("x", "float32", [2])), "y");
    return compare(g.graph(), { x: new RuntimeTensor("float32", Float32Array.of(-1, 2), [2]) });
  };
  return new Map([["device", probe]]);
}

function rules(): ReadonlyMap<string, Task> {
  const checks = Object.entries(gradientSamples).flatMap(([operator, cases]) =>
    Object.entries(cases).map(([name, check]) => [`${operator}: ${name}`, check as GradientCheck] as const),
  );
  return new Map(
    checks.map(([name, check]) => [
      name,
      () => {
        const { graph, feeds } = gradientProblem(check);
        const tensors = [...feeds].map(([input, { shape, values }]) => [
          input,
          new RuntimeTensor("float32", Float32Array.from(values), [...shape]),
        ]);
        return compare(graph, Object.fromEntries(tensors));
      },
    ]),
  );
}

function forms(): ReadonlyMap<string, Task> {
  return new Map(Object.entries(formSamples).map(([name, build]) => [name, () => compare(...build())]));
}

/** A node that the provider refuses once it runs. */
function failures(): ReadonlyMap<string, Task> {
  const split = formSamples["a split into sixteen"];
  return new Map(
    split === undefined
      ? []
      : [
          [
            "split",
            async () => {
              const [graph, feeds] = split();
              await outputsOf(graph, feeds, { executionProviders: ["webgpu"] }).catch((error: unknown) => {
                throw deviceFailure("webgpu", error);
              });
              return {};
            },
          ],
          ...refusedTrainings,
        ],
  );
}

const kinds: Record<string, () => ReadonlyMap<string, Task>> = {
  device,
  rules,
  forms,
  failures,
  steps: () => stepTasks(compare),
  optimisers: optimiserTasks,
  embedding: embeddingTasks,
};
const [kind = "", first = "0"] = process.argv.slice(2);
for (const [name, task] of [...(kinds[kind]?.() ?? [])].slice(Number(first))) {
  process.send?.({ begins: name });
  const result = await task().catch((error: unknown) => ({ error: String(error).slice(0, 1000) }));
  process.send?.({ name, ...result } satisfies WebGpuResult);
}
process.disconnect?.();
