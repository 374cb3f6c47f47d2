import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createEncoderRegistry } from "../../src/encoders/index.js";
import { createLogger } from "../../src/logger.js";
import { type Graph, readModelFile } from "../../src/onnx/index.js";
import type { TrainerOptions } from "../../src/training/index.js";
import { resnet, visionTransformer } from "../../test/support/architectures/index.js";

export interface TrainingCase {
  readonly name: string;
  readonly batch: number;
  /** Side of the photos in pixels. */
  readonly size: number;
  /** What trains, in the terms of `createTrainer`. */
  encoder(): Promise<Pick<TrainerOptions, "encoder" | "cut" | "head">>;
}

const mobilenet = (size: number, cut: string) => async () => ({
  encoder: { graph: await defaultEncoder(), image: [3, size, size] },
  cut,
  head: { features: [{ value: "conv_1", pooling: "average" }], layers: { kind: "linear", dims: 128 } } as const,
});

const built = (architecture: () => ReturnType<typeof resnet>, cut: string) => async () => {
  const { graph, image, features } = architecture();
  return { encoder: { graph, image }, cut, head: { features, layers: { kind: "linear", dims: 128 } } as const };
};

/** The steps that are measured. Batches are those of the published baseline, smaller where memory asks for it. */
export const trainingCases: readonly TrainingCase[] = [
  { name: "head-cached", batch: 32, size: 224, encoder: mobilenet(224, "conv_1") },
  { name: "mobilenet-last3-224", batch: 32, size: 224, encoder: mobilenet(224, "block_14/input") },
  { name: "mobilenet-full-224", batch: 32, size: 224, encoder: mobilenet(224, "pixels") },
  { name: "mobilenet-full-160", batch: 32, size: 160, encoder: mobilenet(160, "pixels") },
  { name: "vit-small-last4-224", batch: 16, size: 224, encoder: built(() => visionTransformer(), "encoder.layer.7") },
  { name: "resnet50-last-stage-224", batch: 16, size: 224, encoder: built(() => resnet(), "layer3.5") },
  { name: "resnet50-full-224", batch: 8, size: 224, encoder: built(() => resnet(), "image") },
];

/** The real default encoder, converted into a folder that is gone afterwards. */
async function defaultEncoder(): Promise<Graph> {
  const data = await mkdtemp(path.join(os.tmpdir(), "lookalike-bench-"));
  try {
    const registry = createEncoderRegistry({ config: { data }, logger: createLogger("silent") });
    const { modelPath } = await registry.open("mobilenet-v2");
    return (await readModelFile(modelPath)).graph;
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}
