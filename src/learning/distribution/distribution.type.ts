import type { DistributionReport } from "../../mining/mining.type.js";

/** How a model's distances lie, by one kind of labels. */
export interface DistanceDistribution {
  readonly modelId: number;
  readonly model: string;
  readonly labels: string;
  readonly report: DistributionReport;
  readonly createdAt: Date;
}

export interface DistributionRequest {
  /** `active`, `base` or the id of a version. */
  readonly model: string;
  /** As in evaluations. */
  readonly labels: string;
  /** Of which products' photos; `test` shows how a model does on what it has not learned from. */
  readonly split: "all" | "test";
}

export interface Distributions {
  /**
   * Measures all photos of active products that carry a label, and keeps the report when it is of all of them.
   * @throws BadUserInput, NotEnoughLabels, NoActiveModel
   */
  measure(request: DistributionRequest, signal?: AbortSignal): Promise<DistanceDistribution>;
  /** What was kept last: by a training run, or by `measure`. */
  find(request: Pick<DistributionRequest, "model" | "labels">): Promise<DistanceDistribution | undefined>;
}
