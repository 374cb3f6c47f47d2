import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { messageOf } from "../../errors.js";
import { elementCount, type Graph, GraphBuilder, modelOf, writeModel } from "../../onnx/index.js";
import { differentiate } from "../differentiate.js";
import { nameOutputs } from "../name-outputs.js";
import { blockedNode, blockedOperatorSet } from "./channel-blocks.js";
import { type LoweringOptions, lowerForCpu } from "./lower-for-cpu.js";

export type CpuLoweringProbe =
  | { readonly usable: true; readonly block: LoweringOptions["block"] }
  | { readonly usable: false; readonly reason: string };

/** Largest difference from the plain form, by length of the difference of a whole tensor. */
const TOLERANCE = 1e-3;

/**
 * Whether this machine's runtime has the internal operators that `lowerForCpu` writes, in the form that is expected:
 * one reordering tells the size of a block (8 floats with AVX2, 16 with AVX-512), then a small network's gradients are
 * computed in both forms and compared. Takes about a quarter of a second, and never throws.
 */
export async function probeCpuLowering(lower: typeof lowerForCpu = lowerForCpu): Promise<CpuLoweringProbe> {
  try {
    const block = await blockSize();
    if (block !== 8 && block !== 16) return { usable: false, reason: `blocks of ${block} channels are not known here` };
    const graph = sampleStep();
    const feeds = sampleFeeds(graph);
    const plain = await outputsOf(graph, feeds);
    const lowered = await outputsOf(lower(graph, { block }), feeds);
    for (const [name, wanted] of plain) {
      const difference = relativeDifference(wanted, lowered.get(name));
      if (!(difference <= TOLERANCE)) {
        return { usable: false, reason: `"${name}" is off by ${difference.toExponential(1)} on a sample network` };
      }
    }
    return { usable: true, block };
  } catch (error) {
    return { usable: false, reason: messageOf(error) };
  }
}

/**
 * What a trainer on the CPU does to its step graph: fast forms where the probe succeeds, the plain graph otherwise.
 * @param report told once why the plain form is used
 */
export async function cpuLowering(report?: (reason: string) => void): Promise<(graph: Graph) => Graph> {
  const probe = await probeCpuLowering();
  if (probe.usable) return (graph) => lowerForCpu(graph, { block: probe.block });
  report?.(`Training runs in the plain form, about half as fast: ${probe.reason}.`);
  return (graph) => graph;
}

/** Channels a block, read off the shape of four reordered ones; 1 on processors without blocked kernels. */
async function blockSize(): Promise<number> {
  const g = new GraphBuilder({ otherOpsets: new Map([blockedOperatorSet]) });
  const reordered = blockedNode(g, "ReorderInput", [g.input("x", "float32", [1, 4, 1, 1])], {}, [1, 16, 1, 1]);
  g.output(reordered);
  const graph: Graph = {
    ...g.graph(),
    outputs: [{ name: reordered.name, type: { elementType: "float32", shape: [1, "block", 1, 1] } }],
  };
  const results = await run(graph, { x: new RuntimeTensor("float32", new Float32Array(4), [1, 4, 1, 1]) });
  return results[reordered.name]?.dims[1] ?? 0;
}

/** Every blocked kernel once, forwards and back: few channels, dense, depthwise, 1 × 1, with strides and odd sizes. */
function sampleStep(): Graph {
  const g = new GraphBuilder();
  const weights = [
    g.input("stem", "float32", [20, 3, 3, 3]),
    g.input("depthwise", "float32", [20, 1, 3, 3]),
    g.input("project", "float32", [36, 20, 1, 1]),
    g.input("dense", "float32", [24, 36, 3, 3]),
  ] as const;
  const bias = g.input("bias", "float32", [20]);
  const stem = g.clip(
    g.conv(g.input("x", "float32", [2, 3, 11, 13]), weights[0], bias, { strides: [2, 2], pads: [1, 1, 1, 1] }),
    0,
    6,
  );
  const narrow = g.conv(stem, weights[1], undefined, { group: 20, strides: [2, 2], pads: [1, 1, 1, 1] });
  const wide = g.relu(g.conv(narrow, weights[2]));
  const last = g.conv(wide, weights[3], undefined, { pads: [1, 1, 1, 1] });
  const loss = g.reduceMean(g.mul(last, last), undefined, false);
  const names = [...weights, bias].map(({ name }) => name);
  const { builder, gradients } = differentiate(g.graph(), loss.name, names);
  const wanted = new Map([["loss", loss.name]]);
  for (const [name, value] of gradients) wanted.set(`gradient of ${name}`, value.name);
  return nameOutputs(builder.graph(), wanted);
}

function sampleFeeds(graph: Graph): Record<string, RuntimeTensor> {
  let state = 1;
  const next = () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff - 0.4;
  };
  return Object.fromEntries(
    graph.inputs.map(({ name, type }) => {
      const shape = type.shape.map(Number);
      return [name, new RuntimeTensor("float32", Float32Array.from({ length: elementCount(shape) }, next), shape)];
    }),
  );
}

async function outputsOf(graph: Graph, feeds: Record<string, RuntimeTensor>): Promise<Map<string, Float32Array>> {
  const results = await run(graph, feeds);
  return new Map(
    Object.entries(results).map(([name, { data }]) => [name, data instanceof Float32Array ? data : new Float32Array()]),
  );
}

async function run(graph: Graph, feeds: Record<string, RuntimeTensor>) {
  const session = await InferenceSession.create(writeModel(modelOf(graph)), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

function relativeDifference(wanted: Float32Array, got: Float32Array | undefined): number {
  if (got?.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [difference, length] = [0, 0];
  for (const [at, value] of wanted.entries()) {
    difference += (value - (got[at] ?? 0)) ** 2;
    length += value ** 2;
  }
  return Math.sqrt(difference / Math.max(length, 1e-30));
}
