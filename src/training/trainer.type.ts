import type { Graph, GraphValue } from "../onnx/index.js";
import type { FeatureStatistics, HeadSpecification } from "./heads/index.js";
import type { LossSpecification } from "./losses/index.js";
import type { OptimiserMemory, OptimiserSpecification, ParameterGroup, Schedule } from "./optimisers/index.js";
import type { EncoderGraph } from "./prepare-encoder.js";
import type { Residency } from "./residency.js";
import type { DeviceOptions } from "./runtime-session.js";

export interface TrainerOptions extends DeviceOptions {
  readonly encoder: EncoderGraph;
  /** Value of the encoder behind which everything trains; several where branches are cut. */
  readonly cut: string | readonly string[];
  readonly head: HeadSpecification;
  readonly loss: LossSpecification;
  readonly optimiser: OptimiserSpecification;
  /** Full rate of the schedule, for all weights or by group. */
  readonly learningRate: number | Readonly<Record<ParameterGroup, number>>;
  readonly schedule?: Schedule;
  /** Longest gradient, over all weights together. */
  readonly clipNorm?: number;
  /** Decay of the moving average of the weights, .995 for example. None is kept without it. */
  readonly averaging?: number;
  readonly batch: number;
  /** Slots of the cross-batch memory that `step` takes. */
  readonly memory?: number;
  /** Of the head's first weights and of dropout. */
  readonly seed?: number;
  /** Bytes that the step may take by estimate. Without it the runtime finds out. */
  readonly memoryBudget?: number;
  /**
   * Where the optimiser runs: "host" in loops over flat arrays, "graph" as part of the step. On WebGPU "graph", so that
   * weights stay on the device; "host" elsewhere.
   */
  readonly optimiserIn?: "host" | "graph";
  /** Rewrites the step for a device's kernels. On the CPU `cpuLowering` by default; `(graph) => graph` for the plain form. */
  readonly lower?: (graph: Graph) => Graph | Promise<Graph>;
}

/** Photos as the encoder takes them, or what its frozen part made of them (`Trainer.trunk`). */
export type Photos =
  | { readonly images: Float32Array }
  /** By name as in `Trainer.boundary`, all photos of a value one after the other. */
  | { readonly boundary: Readonly<Record<string, Float32Array>> };

export interface StepOptions {
  /** 1 or 0 a photo; 0: compared with, but no anchor of its own. All are anchors by default. */
  readonly anchors?: Float32Array | readonly number[];
  /** Embeddings of earlier batches with their labels, up to the trainer's slots. */
  readonly memory?: { readonly embeddings: Float32Array; readonly labels: Int32Array | readonly number[] };
  /** Share of the schedule's rate for this step, 1 by default: what a guard lowers after a step that went wrong. */
  readonly rateShare?: number;
}

export interface StepResult {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly loss: number;
  /** Share of what was compared that still has a loss. */
  readonly active: number;
  /** Length of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: Readonly<Record<ParameterGroup, number>>;
  /** `[batch, dims]`, as they were before this step: for a memory and for statistics. */
  readonly embeddings: Float32Array;
}

/** Everything that a run needs to go on exactly where it stands. Plain data: structured cloning keeps it. */
export interface TrainerState {
  readonly format: 1;
  readonly steps: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly weights: Float32Array;
  readonly average: Float32Array | null;
  readonly optimiser: OptimiserMemory & { readonly name: OptimiserSpecification["name"] };
  readonly statistics: FeatureStatistics | null;
}

/** Which weights to use: those of the last step, or their moving average. */
export type WeightChoice = "current" | "averaged";

export interface Trainer {
  /** What is fed of every batch when photos come as boundary values: names, and shapes with the batch in front. */
  readonly boundary: readonly GraphValue[];
  /** Length of an embedding, and of the joined features. */
  readonly dims: number;
  readonly width: number;
  /** What a step takes, by the shapes of its graph. */
  readonly residency: Residency;
  /** Weights in training, with their group. */
  readonly trainables: readonly {
    readonly name: string;
    readonly group: ParameterGroup;
    readonly shape: readonly number[];
  }[];
  /**
   * One step of the optimiser over one batch of exactly the trainer's size.
   * @param labels 0 or more; photos of one label are similar
   * @throws BatchUnusable  when nothing can be compared; TrainingDiverged, with the weights untouched
   */
  step(photos: Photos, labels: Int32Array | readonly number[], options?: StepOptions): Promise<StepResult>;
  /** What the frozen part makes of photos, to be kept and fed as `boundary`. Any number of photos. */
  trunk(images: Float32Array): Promise<Record<string, Float32Array>>;
  /**
   * That frozen part as an ONNX model, photos → the values of `boundary` that are not the photos themselves, for threads
   * that run it apart. `undefined` where nothing is frozen.
   */
  frozenModel(): Uint8Array | undefined;
  /** Unit vectors `[count, dims]`, one after the other. Any number of photos. */
  embed(photos: Photos, weights?: WeightChoice): Promise<Float32Array>;
  /** Pooled and joined features `[count, width]` before they are standardised. */
  features(photos: Photos): Promise<Float32Array>;
  /** Sets what features are standardised with. @throws TrainingUnfit  where the head does not standardise */
  standardise(statistics: FeatureStatistics): Promise<void>;
  /** Copies of the weights by name. */
  weights(choice?: WeightChoice): Promise<Map<string, Float32Array>>;
  /** Sets weights by name, such as a head that was warmed up apart; the average begins again from them. */
  load(weights: ReadonlyMap<string, Float32Array>): Promise<void>;
  state(): Promise<TrainerState>;
  /** @throws StateMismatch */
  restore(state: TrainerState): Promise<void>;
  /** The tuned encoder with its head, an ordinary ONNX model: photos → "embedding" `[batch, dims]`. */
  export(choice?: WeightChoice): Promise<Uint8Array>;
  /** Frees the runtime's memory. Whatever is asked of the trainer afterwards ends in TrainerDisposed. */
  dispose(): Promise<void>;
}
