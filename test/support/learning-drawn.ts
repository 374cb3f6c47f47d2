import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import type { InstalledEncoder } from "../../src/encoders/encoder.type.js";
import type {
  GuardRecord,
  LearningEpoch,
  LearningInput,
  LearningListener,
  LearningPlan,
  LearningRequest,
} from "../../src/learning/learning.type.js";
import type { Snapshot, SnapshotPhoto, SnapshotSplit } from "../../src/learning/snapshot/snapshot.type.js";
import type { DistributionReport, MinedTriplet, Suspect } from "../../src/mining/index.js";
import { float32Tensor, GraphBuilder, modelOf, writeModelFile } from "../../src/onnx/index.js";

const SIDE = 32;

/** Numbers from −1 to 1 that follow from a seed. */
function numbers(seed: number): () => number {
  let state = (seed * 2_654_435_761) % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  };
}

/** A convolutional encoder of random weights on disk: 32 × 32 pixels, three layers, cuts "middle" and "late". */
export async function drawnEncoder(seed = 5): Promise<InstalledEncoder> {
  const random = numbers(seed);
  const g = new GraphBuilder();
  const layer = (
    x: Parameters<typeof g.conv>[0],
    name: string,
    inputs: number,
    outputs: number,
    stride: number,
    out: string,
  ) => {
    const reach = Math.sqrt(6 / (inputs * 9));
    const weights = Float32Array.from({ length: outputs * inputs * 9 }, () => reach * random());
    const weight = g.initialiser(`${name}/weight`, float32Tensor([outputs, inputs, 3, 3], weights));
    const bias = g.initialiser(`${name}/bias`, float32Tensor([outputs], new Float32Array(outputs)));
    return g.relu(g.conv(x, weight, bias, { strides: [stride, stride], pads: [1, 1, 1, 1] }), out);
  };
  const pixels = g.input("pixels", "float32", ["batch", 3, SIDE, SIDE]);
  const middle = layer(pixels, "first", 3, 16, 2, "middle");
  const late = layer(middle, "second", 16, 24, 2, "late");
  g.output(layer(late, "third", 24, 32, 1, "map"), "map");
  const folder = mkdtempSync(path.join(tmpdir(), "lookalike-drawn-encoder-"));
  const modelPath = path.join(folder, "model.onnx");
  await writeModelFile(modelOf(g.graph()), modelPath);
  return {
    manifest: {
      name: "drawn",
      description: "Three layers",
      licence: "MIT",
      origin: "test",
      model: "model.onnx",
      input: "pixels",
      preprocessing: { size: SIDE, resize: "squash", layout: "NCHW", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      output: "map",
      pooling: "average",
      dims: 32,
      cuts: ["middle", "late"],
    },
    modelPath,
    digest: `drawn-${seed}`,
  };
}

/** What tells the labels apart: the pattern, in any colour. */
const patterns: readonly ((x: number, y: number) => number)[] = [
  (x) => Math.sin(x * 0.9),
  (_, y) => Math.sin(y * 0.9),
  (x, y) => Math.sin((x + y) * 0.65),
  (x, y) => Math.sin(x * 0.9) * Math.sin(y * 0.9),
];

/** A photo of a label: its pattern in two random colours with noise. The same number draws the same photo. */
export async function drawnPattern(label: number, number: number): Promise<Buffer> {
  const random = numbers(number * 31 + label + 1);
  const colour = () => [random(), random(), random()].map((value) => 128 + 90 * value);
  const [light, dark] = [colour(), colour()];
  const shift = [3 * random(), 3 * random()] as const;
  const pixels = Buffer.alloc(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const share = 0.5 + 0.5 * (patterns[label % patterns.length]?.(x + shift[0], y + shift[1]) ?? 0);
      for (let channel = 0; channel < 3; channel++) {
        const value = share * light[channel]! + (1 - share) * dark[channel]! + 25 * random();
        pixels[(y * SIDE + x) * 3 + channel] = Math.max(0, Math.min(255, Math.round(value)));
      }
    }
  }
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toBuffer();
}

/** Drawn photos of four labels. `wrong` training photos carry the next label. */
export function drawnSnapshot({ train = 24, validation = 8, labels = 4, wrong = 0 } = {}): Snapshot {
  const photos: SnapshotPhoto[] = [];
  const replacedLabels: Record<string, number> = {};
  const add = (split: SnapshotSplit, count: number) => {
    for (let at = 0; at < count * labels; at++) {
      const id = String(photos.length + 1);
      const label = at % labels;
      const replaced = split === "train" && at < wrong;
      if (replaced) replacedLabels[String(photos.length)] = label;
      photos.push({
        imageId: id,
        productId: id,
        blobId: id,
        contentHash: `${label}-${photos.length}`,
        split,
        labels: [replaced ? (label + 1) % labels : label],
        duplicateGroup: -1,
      });
    }
  };
  add("train", train);
  add("validation", validation);
  const labelNames = [Array.from({ length: labels }, (_, label) => `pattern ${label}`)];
  return {
    format: 1,
    seed: 1,
    positives: [{ kind: "category", weight: 1 }],
    labelNames,
    photos,
    leftOut: {},
    ...(wrong > 0 && { replacedLabels }),
  };
}

/** Everything that a run told. */
export interface ToldRun {
  readonly plans: LearningPlan[];
  readonly epochs: LearningEpoch[];
  readonly guards: GuardRecord[];
  readonly suspects: Suspect[];
  readonly triplets: MinedTriplet[];
  readonly distributions: Map<"before" | "after", DistributionReport>;
  readonly checkpoints: { readonly bytes: Uint8Array; readonly step: number }[];
  readonly stages: Set<string>;
}

/** A listener that keeps everything. `also` is called after each event. */
export function keepingListener(also: Partial<LearningListener> = {}): { told: ToldRun; listener: LearningListener } {
  const told: ToldRun = {
    plans: [],
    epochs: [],
    guards: [],
    suspects: [],
    triplets: [],
    distributions: new Map(),
    checkpoints: [],
    stages: new Set(),
  };
  const listener: LearningListener = {
    async plan(plan) {
      told.plans.push(plan);
      await also.plan?.(plan);
    },
    async progress(progress) {
      told.stages.add(progress.stage);
      await also.progress?.(progress);
    },
    async epoch(epoch) {
      told.epochs.push(epoch);
      await also.epoch?.(epoch);
    },
    async triplets(epoch, triplets) {
      told.triplets.push(...triplets);
      await also.triplets?.(epoch, triplets);
    },
    async guard(record) {
      told.guards.push(record);
      await also.guard?.(record);
    },
    async suspects(suspects) {
      told.suspects.push(...suspects);
      await also.suspects?.(suspects);
    },
    async distribution(when, report) {
      told.distributions.set(when, report);
      await also.distribution?.(when, report);
    },
    async checkpoint(bytes, step) {
      told.checkpoints.push({ bytes, step });
      await also.checkpoint?.(bytes, step);
    },
  };
  return { told, listener };
}

/** Input of a run over drawn photos. Overrides keep it to seconds. */
export async function drawnInput(
  request: Partial<LearningRequest> = {},
  given: Partial<LearningInput> = {},
): Promise<LearningInput> {
  const snapshot = given.snapshot ?? drawnSnapshot();
  return {
    encoder: await drawnEncoder(),
    maxPixels: 1e6,
    workFolder: mkdtempSync(path.join(tmpdir(), "lookalike-learning-")),
    async readPhoto(hash) {
      const [label = 0, number = 0] = hash.split("-").map(Number);
      return drawnPattern(label, number);
    },
    ...given,
    snapshot,
    request: { recipe: "last-blocks", budgetMinutes: 5, seed: 3, device: "cpu", threads: 2, ...request },
  };
}
