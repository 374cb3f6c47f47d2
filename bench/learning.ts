import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { labelNames } from "../src/cli/label-names.js";
import type { InstalledEncoder } from "../src/encoders/encoder.type.js";
import { createEncoderRegistry, DEFAULT_ENCODER } from "../src/encoders/index.js";
import { BadUserInput } from "../src/errors.js";
import { averageFlips } from "../src/learning/export/index.js";
import { createLogger } from "../src/logger.js";
import type { Benchmark, BenchmarkValues } from "./support/benchmark.type.js";
import { drawnPhotos, photosOfFolder } from "./support/labelled-photos.js";
import {
  type LearningConfiguration,
  namedConfigurations,
  oneConfiguration,
} from "./support/learning-configurations.js";
import { measureAll } from "./support/learning-figures.js";
import { type MeasuredFigures, type MeasuredRun, meansOfSeeds, suspectsOf } from "./support/learning-report.js";
import { embedFiles, learnOnce, vectorsOf } from "./support/learning-run.js";
import { disturbed, type LearningTask, learningTask } from "./support/learning-task.js";
import { describeMachine } from "./support/machine.js";
import { rounded } from "./support/statistics.js";

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const HELD_OUT = ["validation", "test"] as const;

export const benchmark: Benchmark = {
  summary: "What a recipe learns from labelled photos: ranking figures of held-out photos, by configuration and seed.",
  options: {
    photos: { type: "string" },
    recipe: { type: "string", default: "auto" },
    minutes: { type: "string", default: "10" },
    overrides: { type: "string", default: "{}" },
    compare: { type: "string" },
    seeds: { type: "string", default: "1" },
    "label-noise": { type: "string", default: "0" },
    "labels-only": { type: "string" },
    flip: { type: "boolean", default: false },
  },
  help: {
    photos: "Folder with train/LABEL/, validation/LABEL/ and test/LABEL/; without it the demo's shop is drawn.",
    recipe: "auto, whitening, head, last-blocks, full, growing or seed (auto).",
    minutes: "Budget of each run (10).",
    overrides: `What to change of the recipe, as JSON: '{"steps": 160, "views": 4}'.`,
    compare: `JSON file of several, by name: {"in-batch": {}, "semi-hard": {"mining": true, "policy": "semi-hard"}}.`,
    seeds: "Seeds between commas, one run each (1).",
    "label-noise": "Share of the training labels that are replaced by wrong ones (0).",
    "labels-only": "Labels to learn from, between commas; the others are asked for among themselves.",
    flip: "Also with vectors averaged over photo and mirror image.",
  },
  async run(values) {
    const settings = readSettings(values);
    const usual = oneConfiguration(values.recipe, values.overrides);
    const configurations =
      typeof values.compare === "string" ? await namedConfigurations(values.compare, usual) : [usual];
    const data = await mkdtemp(path.join(os.tmpdir(), "lookalike-bench-"));
    try {
      const whole = await (typeof values.photos === "string"
        ? photosOfFolder(values.photos, HELD_OUT)
        : drawnPhotos(path.join(data, "shop"), HELD_OUT));
      const task = learningTask(whole, settings.labels);
      const registry = createEncoderRegistry({ config: { data }, logger: createLogger("silent") });
      const encoder = await registry.open(DEFAULT_ENCODER);
      const measured = await measureConfigurations(configurations, settings, task, encoder);
      return {
        ...measured,
        configurations: configurations.map(({ name, recipe, overrides }) => ({ name, recipe, overrides })),
        photos: whole.photos.length,
        trainingPhotos: task.snapshot.photos.filter(({ split }) => split === "train").length,
        labels: task.snapshot.labelNames[0]?.length ?? 0,
        ...{ minutes: settings.minutes, labelNoise: settings.noise },
        machine: describeMachine("onnxruntime-node"),
      };
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  },
};

interface Settings {
  readonly minutes: number;
  readonly seeds: readonly number[];
  readonly noise: number;
  readonly labels: readonly string[] | undefined;
  readonly flip: boolean;
}

function readSettings(values: BenchmarkValues): Settings {
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new BadUserInput("--minutes takes a number above 0.");
  const seeds = String(values.seeds).split(",").map(Number);
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0)) {
    throw new BadUserInput("--seeds takes whole numbers between commas, for example 1,2,3.");
  }
  const noise = Number(values["label-noise"]);
  if (!(noise >= 0 && noise < 1)) throw new BadUserInput("--label-noise takes a share from 0 to below 1.");
  const only = values["labels-only"];
  return {
    minutes,
    seeds,
    noise,
    labels: typeof only === "string" ? labelNames(only) : undefined,
    flip: !!values.flip,
  };
}

async function measureConfigurations(
  configurations: readonly LearningConfiguration[],
  { minutes, seeds, noise, flip }: Settings,
  task: LearningTask,
  encoder: InstalledEncoder,
): Promise<Record<"means" | "runs" | "figures", readonly object[]>> {
  const files = task.photos.map(({ contentHash }) => contentHash);
  const runs: MeasuredRun[] = [];
  const figures: MeasuredFigures[] = [];
  const add = async (
    who: { name: string; seed: number; vectors: string },
    ...vectors: Parameters<typeof measureAll>
  ) => {
    for (const { asked, queries, figures: shown } of await measureAll(...vectors)) {
      figures.push({ ...who, asked, queries, ...shown });
      say(JSON.stringify(figures.at(-1)));
    }
  };
  say(`embedding ${files.length} photos with the encoder as it is …`);
  await add({ name: "encoder as it is", seed: 0, vectors: "plain" }, task, await embedFiles(encoder, files));
  for (const configuration of configurations) {
    const { name } = configuration;
    for (const seed of seeds) {
      const snapshot = disturbed(task.snapshot, seed, noise);
      const { result, recipe, suspects } = await learnOnce(configuration, {
        ...{ snapshot, encoder, say },
        budgetMinutes: minutes,
      });
      const { model, dims, steps } = result;
      runs.push({
        ...{
          name,
          seed,
          recipe,
          dims,
          steps,
          seconds: rounded(result.seconds, 1),
          kilobytes: Math.round(model.length / 1000),
        },
        ...suspectsOf(suspects, snapshot.replacedLabels ?? {}),
      });
      const plain = await vectorsOf(model, dims, encoder, files);
      await add({ name, seed, vectors: "plain" }, task, plain);
      if (!flip) continue;
      const mirrored = await vectorsOf(averageFlips(model, encoder.manifest.preprocessing), dims, encoder, files);
      await add({ name, seed, vectors: "mirrored" }, task, mirrored);
      await add({ name, seed, vectors: "mirrored queries" }, task, mirrored, plain);
    }
  }
  return { means: meansOfSeeds(figures), runs, figures };
}
