import type { Sql } from "../database/database.type.js";

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
}

export interface ModelVersions {
  /** The one that answers. @throws NoActiveModel before the first `ensureBase` */
  active(): Promise<ModelVersion>;
  /** The encoder as it came, without training: the newest base version in use. @throws NoActiveModel */
  base(): Promise<ModelVersion>;
  find(id: number): Promise<ModelVersion | undefined>;
  /** Those whose vectors are kept true: the active one and candidates. */
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
}
