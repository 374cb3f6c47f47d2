import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PhotoUnreadable } from "../../src/catalog/photos/photo-unreadable.error.js";
import { createEmbedder } from "../../src/embedding/index.js";
import type { InstalledEncoder } from "../../src/encoders/encoder.type.js";
import { learn } from "../../src/learning/learn.js";
import type { LearningListener, LearningResult } from "../../src/learning/learning.type.js";
import type { Snapshot } from "../../src/learning/snapshot/snapshot.type.js";
import { createLogger } from "../../src/logger.js";
import type { Suspect } from "../../src/mining/index.js";
import type { LearningConfiguration } from "./learning-configurations.js";
import type { PhotoVectors } from "./learning-figures.js";

/** Photos in memory at once. */
const PHOTOS = 256;

export interface LearnedModel {
  readonly result: LearningResult;
  /** The recipe that was planned. */
  readonly recipe: string;
  readonly suspects: readonly Suspect[];
}

/** One run from its first photo on, caching and planning included. */
export async function learnOnce(
  { name, recipe, overrides }: LearningConfiguration,
  run: {
    readonly snapshot: Snapshot;
    readonly encoder: InstalledEncoder;
    readonly budgetMinutes: number;
    say(line: string): void;
  },
): Promise<LearnedModel> {
  const { snapshot, encoder, budgetMinutes, say } = run;
  const { seed } = snapshot;
  const workFolder = await mkdtemp(path.join(os.tmpdir(), "lookalike-learning-"));
  let planned = recipe as string;
  let suspects: readonly Suspect[] = [];
  const nothing = async () => {};
  const listener: LearningListener = {
    ...{ progress: nothing, triplets: nothing, distribution: nothing, checkpoint: nothing },
    guard: async ({ action }) => say(`${name}: ${action}`),
    async suspects(found) {
      suspects = found;
    },
    async plan(plan) {
      planned = plan.recipe;
      say(`${name}, seed ${seed}: ${plan.reason}`);
    },
    async epoch({ stage, epoch, step, loss, validation }) {
      const figure = validation ? `, mAP ${validation.meanAveragePrecision.toFixed(3)}` : "";
      say(`${name}, seed ${seed}: ${stage} ${epoch}, step ${step}, loss ${loss.toFixed(3)}${figure}`);
    },
  };
  try {
    const request = { recipe, budgetMinutes, seed, device: "cpu", overrides } as const;
    const readPhoto = (file: string) => readFile(file);
    const input = { request, snapshot, encoder, maxPixels: 1e8, readPhoto, workFolder };
    const result = await learn(input, listener, new AbortController().signal);
    return { result, recipe: planned, suspects };
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** Embeds all photos as a server would with this model. */
export async function vectorsOf(
  model: Uint8Array,
  dims: number,
  base: InstalledEncoder,
  files: readonly string[],
): Promise<PhotoVectors> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "lookalike-learned-"));
  const modelPath = path.join(folder, "model.onnx");
  try {
    await writeFile(modelPath, model);
    const manifest = { ...base.manifest, output: "embedding", pooling: "none" as const, dims, cuts: [] };
    return await embedFiles({ manifest, modelPath, digest: "learned" }, files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One vector a file, none for those that cannot be read. */
export async function embedFiles(encoder: InstalledEncoder, files: readonly string[]): Promise<PhotoVectors> {
  const embedder = await createEmbedder({ encoder, device: "cpu", logger: createLogger("silent") });
  const vectors: (Float32Array | undefined)[] = [];
  try {
    for (let at = 0; at < files.length; at += PHOTOS) {
      const photos = await Promise.all(files.slice(at, at + PHOTOS).map((file) => readFile(file)));
      for (const vector of await embedder.embed(photos)) {
        if (vector instanceof Error && !(vector instanceof PhotoUnreadable)) throw vector;
        vectors.push(vector instanceof Error ? undefined : vector);
      }
    }
    return vectors;
  } finally {
    await embedder.close();
  }
}
