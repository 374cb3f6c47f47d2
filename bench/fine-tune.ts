import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createEncoderRegistry, DEFAULT_ENCODER } from "../src/encoders/index.js";
import { BadUserInput } from "../src/errors.js";
import { learn } from "../src/learning/learn.js";
import type { LearningInput, LearningListener, RecipeName, ValidationFigures } from "../src/learning/learning.type.js";
import { createLogger } from "../src/logger.js";
import type { Benchmark } from "./support/benchmark.type.js";
import { drawnPhotos, photosOfFolder } from "./support/labelled-photos.js";
import { describeMachine } from "./support/machine.js";
import { rounded } from "./support/statistics.js";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Measured {
  readonly name: string;
  readonly recipe: string;
  readonly seconds: number;
  readonly final: ValidationFigures | undefined;
  /** Seconds from the start of the run, and what the averaged weights were worth then. */
  readonly curve: readonly { readonly seconds: number; readonly meanAveragePrecision: number }[];
}

/** One run from its first photo on, caching and planning included. */
async function measure(
  name: string,
  recipe: RecipeName,
  input: Omit<LearningInput, "request" | "workFolder">,
  settings: {
    readonly budgetMinutes: number;
    readonly seed: number;
  },
): Promise<Measured> {
  const workFolder = await mkdtemp(path.join(os.tmpdir(), "lookalike-fine-tune-"));
  const started = performance.now();
  const curve: { seconds: number; meanAveragePrecision: number }[] = [];
  let planned = recipe as string;
  const nothing = async () => {};
  const listener: LearningListener = {
    progress: nothing,
    triplets: nothing,
    guard: async ({ action }) => say(`${name}: ${action}`),
    suspects: nothing,
    distribution: nothing,
    checkpoint: nothing,
    async plan(plan) {
      planned = plan.recipe;
      say(`${name}: ${plan.reason}`);
    },
    async epoch({ stage, epoch, loss, validation }) {
      const seconds = (performance.now() - started) / 1000;
      const meanAveragePrecision = validation?.meanAveragePrecision ?? 0;
      curve.push({ seconds, meanAveragePrecision });
      say(
        `${name}: ${seconds.toFixed(1)} s, ${stage} ${epoch}, loss ${loss.toFixed(3)}, mAP ${meanAveragePrecision.toFixed(3)}`,
      );
    },
  };
  try {
    const request = { recipe, device: "cpu", ...settings } as const;
    const { validation } = await learn({ ...input, request, workFolder }, listener, new AbortController().signal);
    return { name, recipe: planned, seconds: (performance.now() - started) / 1000, final: validation, curve };
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = {
  summary:
    "Fine-tuning the default encoder: the planned recipe against the seed repository's, same photos, same machine.",
  options: {
    photos: { type: "string" },
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
  },
  help: {
    photos: "Folder with train/LABEL/ and validation/LABEL/; without it the demo's shop is drawn.",
    minutes: "Budget of either run (10).",
    seed: "Seed of either run (1).",
  },
  async run(values) {
    const budgetMinutes = Number(values.minutes);
    const seed = Number(values.seed);
    if (!(budgetMinutes > 0) || !Number.isInteger(seed)) throw new BadUserInput("--minutes and --seed take numbers.");
    const data = await mkdtemp(path.join(os.tmpdir(), "lookalike-bench-"));
    try {
      const snapshot = await (typeof values.photos === "string"
        ? photosOfFolder(values.photos)
        : drawnPhotos(path.join(data, "shop")));
      const encoder = await createEncoderRegistry({ config: { data }, logger: createLogger("silent") }).open(
        DEFAULT_ENCODER,
      );
      const input = { snapshot, encoder, maxPixels: 1e8, readPhoto: (file: string) => readFile(file) };
      const runs = [
        await measure("AUTO", "auto", input, { budgetMinutes, seed }),
        await measure("SEED", "seed", input, { budgetMinutes, seed }),
      ];
      const target = Math.max(0, ...(runs[1]?.curve ?? []).map(({ meanAveragePrecision }) => meanAveragePrecision));
      const reached = runs.map(({ curve }) => curve.find((point) => point.meanAveragePrecision >= target)?.seconds);
      const [auto, seedSeconds] = reached;
      return {
        recipes: runs.map(({ name, recipe, final, seconds, curve }, index) => ({
          name,
          secondsToTarget: reached[index] === undefined ? null : rounded(reached[index], 1),
          finalMeanAveragePrecision: rounded(final?.meanAveragePrecision ?? 0, 4),
          recallAt1: rounded(final?.recallAt1 ?? 0, 4),
          recipe,
          seconds: rounded(seconds, 1),
          epochs: curve.length,
        })),
        target: rounded(target, 4),
        timesSooner: auto === undefined || seedSeconds === undefined ? null : rounded(seedSeconds / auto, 1),
        photos: snapshot.photos.length,
        labels: snapshot.labelNames[0]?.length ?? 0,
        machine: describeMachine("onnxruntime-node"),
      };
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
};
