import type { Sql } from "../database/database.type.js";
import type { EncoderManifest, InstalledEncoder } from "../encoders/encoder.type.js";

export type ModelState = "TRAINING" | "CANDIDATE" | "ACTIVE" | "RETIRED" | "FAILED";

export interface ModelVersion {
  readonly id: number;
  readonly name: string;
  /** Manifest name of its encoder. */
  readonly encoder: string;
  /** Hash of weights and preprocessing: vectors made under another digest are stale. */
  readonly encoderDigest: string;
  readonly dims: number;
  readonly state: ModelState;
  /** Of a trained one; absent for an encoder as it came. */
  readonly trained?: TrainedWeights;
}

/** Where a trained model's weights are, and how photos become its input. */
export interface TrainedWeights {
  /** In the artefact store. */
  readonly key: string;
  readonly sha256: string;
  readonly manifest: EncoderManifest;
}

/** An encoder that a run has made. */
export interface TrainedEncoder {
  /** Absent for one that comes from elsewhere. */
  readonly runId?: string;
  /** The model version that it was tuned from. */
  readonly parentId: number;
  /** The encoder that was tuned: its preprocessing is the trained one's too. */
  readonly encoder: Pick<InstalledEncoder, "manifest">;
  /** An ONNX file in the artefact store, whose output "embedding" is a unit vector. */
  readonly weightsKey: string;
  readonly weightsSha256: string;
  readonly dims: number;
  readonly metrics?: Readonly<Record<string, unknown>>;
}

export interface ModelVersions {
  /** The one that answers. @throws NoActiveModel before the first `ensureBase` */
  active(): Promise<ModelVersion>;
  /** The encoder as it came, without training: the newest base version in use. @throws NoActiveModel */
  base(): Promise<ModelVersion>;
  /** Undefined for a deleted one too. */
  find(id: number): Promise<ModelVersion | undefined>;
  /**
   * Those whose vectors are kept true: the active one, candidates, the one to roll back to and the newest encoder as it
   * came (the view vectors.live_model).
   */
  live(sql?: Sql): Promise<ModelVersion[]>;
  /**
   * Makes sure that there is an active model: registers the configured encoder as base version and activates it when
   * none is. Creates its vector partitions. Safe to call from several processes at once.
   */
  ensureBase(encoder: { readonly name: string; readonly digest: string; readonly dims: number }): Promise<ModelVersion>;
  /**
   * Lets a new base version take over from the old one, once it has a vector of every product that the old one has.
   * For the worker, after a burst of embedding. @returns the version that took over
   */
  settle(): Promise<ModelVersion | undefined>;
  /**
   * Makes a trained encoder a candidate with partitions of its own, in the transaction behind `sql`. Its vectors are made
   * by the job `refresh-model`, which the caller enqueues in the same transaction.
   */
  registerTrained(sql: Sql, trained: TrainedEncoder): Promise<ModelVersion>;
}
