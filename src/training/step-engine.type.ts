import type { Tensor as RuntimeTensor } from "onnxruntime-node";
import type { FlatMemory, Optimiser, OptimiserSpecification, ParameterGroup } from "./optimisers/index.js";
import type { ParameterSpace } from "./parameters.js";

/** The numbers of a training, on the host. */
export interface TrainingArrays {
  readonly flat: FlatMemory;
  readonly weights: Float32Array;
  readonly average: Float32Array | undefined;
  readonly optimiser: Optimiser;
}

export interface EngineSettings {
  readonly space: ParameterSpace;
  readonly batch: number;
  readonly optimiser: OptimiserSpecification;
  readonly clipNorm: number | undefined;
  readonly averaging: number | undefined;
}

export interface StepOutcome {
  readonly loss: number;
  readonly active: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly embeddings: Float32Array;
}

/** Runs the step graph and moves the weights, where they lie. */
export interface StepEngine {
  /**
   * One step. Where loss or gradient is not finite, nothing moves.
   * @param feeds everything but weights
   * @param step counted from 0
   */
  step(
    feeds: Readonly<Record<string, RuntimeTensor>>,
    rates: Readonly<Record<ParameterGroup, number>>,
    step: number,
  ): Promise<StepOutcome>;
  /** Brings the arrays on the host up to date. */
  download(): Promise<void>;
  /** Says that the arrays on the host were changed. */
  upload(): void;
  dispose(): Promise<void>;
}
