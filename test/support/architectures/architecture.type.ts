import type { Graph } from "../../../src/onnx/index.js";
import type { FeatureSpecification } from "../../../src/training/index.js";

/** An encoder as its usual exporter writes it, small enough to be trained in a test. */
export interface Architecture {
  readonly graph: Graph;
  /** [channels, height, width] */
  readonly image: readonly number[];
  readonly features: readonly FeatureSpecification[];
  /** From the image to close to the output. */
  readonly cuts: readonly string[];
}
