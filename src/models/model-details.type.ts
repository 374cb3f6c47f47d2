import type { Gate } from "./gate.type.js";
import type { PromotionRecord } from "./model-promotion.type.js";
import type { ModelVersion } from "./model-version.type.js";
import type { StabilityReport } from "./stability.js";

/** A model version with its history, for people. */
export interface ModelDetails extends Omit<ModelVersion, "trained"> {
  readonly parentId: number | null;
  readonly runId: string | null;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  /** When all of its vectors were there for the first time; null for the first encoder, which filled with the catalog. */
  readonly refreshedAt: Date | null;
  readonly refreshPaused: boolean;
  /** Its vectors and weights are gone. */
  readonly deletedAt: Date | null;
  readonly metrics: {
    readonly gate?: Gate;
    readonly promotion?: PromotionRecord;
    readonly stability?: StabilityReport;
  };
}
