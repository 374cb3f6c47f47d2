import type { Config } from "../../config.js";
import type { Database } from "../../database/database.type.js";
import type { EncoderRegistry } from "../../encoders/encoder.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { SnapshotBuilder } from "../snapshot/index.js";

export interface TrainModelDependencies {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly config: Config;
  readonly logger: Logger;
  readonly artefacts: ArtefactStore;
  readonly encoders: Pick<EncoderRegistry, "open">;
  readonly models: Pick<ModelVersions, "find" | "registerTrained">;
  readonly snapshots: SnapshotBuilder;
  /** Fires when the worker is about to end: the run is given back for another one to go on. */
  readonly stopping?: AbortSignal;
  /** Machine that runs share; this one's name if left out. */
  readonly host?: string;
  /** Trainer that a test brings. */
  readonly trainerScript?: URL;
}
