import type { Config } from "../../config.js";
import type { Database, Sql } from "../../database/database.type.js";
import type { EncoderRegistry, InstalledEncoder } from "../../encoders/encoder.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import type { DistributionReport } from "../../mining/mining.type.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { Snapshot, SnapshotRequest } from "../snapshot/snapshot.type.js";

export interface TrainModelDependencies {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly config: Config;
  readonly logger: Logger;
  readonly artefacts: ArtefactStore;
  readonly encoders: Pick<EncoderRegistry, "open">;
  readonly models: Pick<ModelVersions, "find">;
  /** @throws NotEnoughData */
  buildSnapshot(request: SnapshotRequest, signal: AbortSignal): Promise<Snapshot>;
  /** Makes the trained encoder a candidate model, within the transaction. */
  registerTrained(sql: Sql, trained: TrainedEncoder): Promise<{ readonly id: number }>;
  /** Keeps how distances lay before (by the parent) and after (by the new model). */
  saveDistribution(sql: Sql, modelId: number, labels: string, report: DistributionReport): Promise<void>;
  /** Fires when the worker is about to end: the run is given back for another one to go on. */
  readonly stopping?: AbortSignal;
  /** Machine that runs share; this one's name if left out. */
  readonly host?: string;
  /** Trainer that a test brings. */
  readonly trainerScript?: URL;
}

/** An encoder that a run has made, for `registerTrained`. */
export interface TrainedEncoder {
  readonly runId: string;
  readonly parentId: number;
  /** The one that was tuned. */
  readonly encoder: InstalledEncoder;
  readonly weightsKey: string;
  readonly weightsSha256: string;
  readonly dims: number;
}
