import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BadUserInput } from "../src/errors.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { describeMachine } from "./support/machine.js";
import { median, quantile, rounded } from "./support/statistics.js";
import { torchMedianMs, torchVersion } from "./support/torch-peer.js";
import { type TrainingCase, trainingCases } from "./support/training-cases.js";

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const child = fileURLToPath(new URL("./support/training-step.child.js", import.meta.url));

interface Measured {
  readonly times: number[];
  readonly peakRssMb: number;
}

/** One case in a process of its own, timed while nothing else of the benchmark runs. */
async function measure({ name }: TrainingCase, repeat: number, form: "plain" | "lowered"): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, name, String(repeat), form]);
  return JSON.parse(stdout) as Measured;
}

export const benchmark: Benchmark = {
  summary: "One training step (forward, loss, gradients, AdamW) by encoder and cut, each in a process of its own.",
  options: {
    case: { type: "string", multiple: true },
    repeat: { type: "string", default: "7" },
    plain: { type: "boolean", default: false },
    peer: { type: "string" },
    python: { type: "string", default: "python3" },
  },
  help: {
    case: `Only this case, as often as wanted: ${trainingCases.map(({ name }) => name).join(", ")}.`,
    repeat: "Timed steps a case, after one that is not counted (7).",
    plain: "Measure the plain form beside the lowered one: plainMedianMs and gain.",
    peer: "torch: the same step in PyTorch, where Python can import it: peerMedianMs and ratio (above 1: faster here).",
    python: "The Python that has PyTorch (python3).",
  },
  async run(values) {
    const repeat = Number(values.repeat);
    if (!Number.isInteger(repeat) || repeat < 1) throw new BadUserInput("--repeat takes a whole number from 1.");
    if (values.peer !== undefined && values.peer !== "torch") throw new BadUserInput("--peer knows torch only.");
    const wanted = values.case === undefined ? undefined : [values.case].flat().map(String);
    const unknown = wanted?.find((name) => !trainingCases.some((one) => one.name === name));
    if (unknown !== undefined) {
      throw new BadUserInput(`There is no case "${unknown}": ${trainingCases.map(({ name }) => name).join(", ")}.`);
    }
    const python = String(values.python);
    const torch = values.peer === "torch" ? await torchVersion(python) : undefined;
    if (values.peer === "torch" && torch === undefined) say(`PyTorch: skipped, ${python} cannot import torch.`);

    const cases: Record<string, unknown>[] = [];
    for (const one of trainingCases.filter(({ name }) => wanted?.includes(name) ?? true)) {
      const { times, peakRssMb } = await measure(one, repeat, "lowered");
      const medianMs = median(times);
      const plain = values.plain ? median((await measure(one, repeat, "plain")).times) : undefined;
      const peer = torch === undefined ? undefined : await torchMedianMs(python, one.name, one.batch, repeat);
      cases.push({
        name: one.name,
        batch: one.batch,
        size: one.size,
        medianMs: rounded(medianMs, 2),
        p90Ms: rounded(quantile(times, 0.9), 2),
        peakRssMb: rounded(peakRssMb, 0),
        ...(plain !== undefined && { plainMedianMs: rounded(plain, 2), gain: rounded(plain / medianMs, 2) }),
        ...(peer !== undefined && { peerMedianMs: rounded(peer, 2), ratio: rounded(peer / medianMs, 2) }),
      });
      say(JSON.stringify(cases.at(-1)));
    }
    return {
      device: "cpu",
      threads: availableParallelism(),
      cases,
      repeat,
      ...(values.peer === "torch" && {
        peer: torch === undefined ? "torch: skipped, not importable" : `torch ${torch}`,
      }),
      machine: describeMachine("onnxruntime-node"),
    };
  },
};
