import type { Sql } from "../database/database.type.js";
import type { Gate } from "./gate.type.js";
import type { ModelVersion } from "./model-version.type.js";

/** Kept in a model's metrics: when it came to answer, and in whose place. */
export interface PromotionRecord {
  readonly at: string;
  readonly replacedModelId: number | null;
  /** gate: it was better. people: somebody asked for it. rollback: the one after it was taken back. */
  readonly by: "gate" | "people" | "rollback";
  /** The gate had refused it, or had not been asked. */
  readonly forced: boolean;
}

export interface ModelPromotion {
  /**
   * Makes a model the one that answers, in one transaction in which nothing is missing. One that answers already stays so.
   * @param force although the gate refused it or was not asked; recorded. Not although vectors are missing.
   * @throws ModelNotFound, ModelNotReady, ModelNotBetter
   */
  promote(modelId: number, options?: { readonly force?: boolean }): Promise<ModelVersion>;
  /**
   * The same for the gate, within its transaction.
   * @throws ModelNotReady; LiveModelChanged when `gate` compared it with another model than the one that answers now
   */
  promoteByGate(sql: Sql, modelId: number, liveId: number, gate: Gate): Promise<ModelVersion>;
  /** Gives the place back to the model that answered before. @throws NothingToRollBack, ModelNotReady */
  rollback(): Promise<ModelVersion>;
  /**
   * Drops a model's vectors and weights. Its row stays for the runs and models that point to it.
   * @throws ModelNotFound, ModelInUse (the active one; the encoder as it came that training starts from),
   * ModelInExperiment
   */
  delete(modelId: number): Promise<ModelVersion>;
  /** Stops the refresh of a model after the photos under way; what was made stays. @throws ModelNotFound */
  pauseRefresh(modelId: number): Promise<ModelVersion>;
  /**
   * Goes on with it, or starts it: a retired model becomes a candidate again whose vectors are made complete.
   * @throws ModelNotFound, ModelFailedBefore
   */
  resumeRefresh(modelId: number): Promise<ModelVersion>;
  /** Deletes retired versions and refused candidates beyond those that are kept. @returns those it deleted */
  cleanUp(): Promise<ModelVersion[]>;
}
