import type { Database, Sql } from "../../database/database.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { LearningPlan } from "../learning.type.js";
import type { SnapshotBuilder } from "../snapshot/index.js";
import { assertEnough, countForTraining, type TrainingCounts } from "./catalog-labels.js";
import { type TrainingRequest, type TrainingWishes, toSnapshotRequest, toTrainingRequest } from "./training-request.js";
import type { PromotePolicy, RunFailure, TrainingRun } from "./training-run.type.js";
import { TrainingRunNotFound } from "./training-run-errors.js";
import {
  cancelRun,
  findRun,
  insertRefused,
  insertRun,
  isRunId,
  listRuns,
  type RunsPage,
  reviveRun,
} from "./training-runs.repository.js";

export interface TrainingDependencies {
  readonly database: Database;
  readonly queue: Pick<JobQueue, "enqueue">;
  readonly models: Pick<ModelVersions, "base">;
  readonly snapshots: SnapshotBuilder;
  plan(preview: TrainingPreview, signal: AbortSignal): Promise<LearningPlan>;
}

export interface StartTraining extends TrainingWishes {
  readonly promote?: PromotePolicy;
}

/** What a run would do, without starting it. */
export interface TrainingPreview {
  readonly request: TrainingRequest;
  readonly promote: PromotePolicy;
  readonly encoder: string;
  readonly counts: TrainingCounts;
  /** Base model that it would start from. */
  readonly parentId: number;
}

/** Training runs as the API and the command line see them. */
export interface Training {
  /** @throws BadUserInput, NotEnoughData, NoActiveModel */
  preview(wishes: StartTraining): Promise<TrainingPreview>;
  /** The phases that such a run would go through. Takes some ten seconds. @throws NotEnoughData, TrainerFailed */
  plan(preview: TrainingPreview, signal: AbortSignal): Promise<LearningPlan>;
  /** Records a run and enqueues its job, together. @throws as preview does */
  start(wishes: StartTraining): Promise<TrainingRun>;
  /** Starts nothing when `isNeedless` says so, in the same transaction. */
  startUnless(wishes: StartTraining, isNeedless: (sql: Sql) => Promise<boolean>): Promise<TrainingRun | undefined>;
  /** Keeps a run that could not be started as a FAILED one, for people to see; only once until something else happens. */
  recordRefusal(wishes: StartTraining, failure: RunFailure): Promise<TrainingRun | undefined>;
  /** @throws TrainingRunNotFound, TrainingRunEnded, CancelRequestedAlready */
  cancel(id: string): Promise<TrainingRun>;
  /** A run that failed or was cancelled goes on from its checkpoint. @throws TrainingRunNotFound, TrainingRunNotResumable */
  resume(id: string): Promise<TrainingRun>;
  find(id: string): Promise<TrainingRun | undefined>;
  /** Newest first. */
  list(page: RunsPage): Promise<TrainingRun[]>;
  /** By an id, by the start of one that no other run has, or `latest`. @throws TrainingRunNotFound */
  resolve(reference: string): Promise<TrainingRun>;
}

/**
 * Photos up to which a request is tried on the catalog as its run will do it: splits, look-alikes and all. A larger
 * catalog takes too long for an answer; where it has too little, the counts tell, or its run.
 */
const TRIED_UP_TO = 1_000;

/** Shortest start of an id that names a run. */
const LEAST_PREFIX = /^[0-9a-f]{4}[0-9a-f-]*$/i;

export function createTraining({ database, queue, models, snapshots, plan }: TrainingDependencies): Training {
  const preview = async ({ promote = "IF_BETTER", ...wishes }: StartTraining) => {
    const request = toTrainingRequest(wishes);
    const base = await models.base();
    const counts = await countForTraining(database, request, base.id);
    if (counts.photos <= TRIED_UP_TO) await snapshots.build(toSnapshotRequest(request), base.id);
    else assertEnough(counts, request);
    return { request, promote, encoder: base.encoder, counts, parentId: base.id };
  };
  const startUnless: Training["startUnless"] = async (wishes, isNeedless) => {
    const { counts: _, ...run } = await preview(wishes);
    return database.transaction(async (sql) => {
      if (await isNeedless(sql)) return undefined;
      const row = await insertRun(sql, run);
      await queue.enqueue(sql, "train-model", [{ runId: row.id }]);
      return row;
    });
  };
  return {
    preview,
    plan,
    startUnless,
    start: async (wishes) => (await startUnless(wishes, async () => false))!,
    async recordRefusal({ promote = "IF_BETTER", ...wishes }, failure) {
      const request = toTrainingRequest(wishes);
      const { id: parentId, encoder } = await models.base();
      return database.transaction((sql) => insertRefused(sql, { request, promote, encoder, parentId }, failure));
    },
    cancel: (id) => database.transaction((sql) => cancelRun(sql, id)),
    resume: (id) =>
      database.transaction(async (sql) => {
        const run = await reviveRun(sql, id);
        if (run.modelId === null) await queue.enqueue(sql, "train-model", [{ runId: run.id }]);
        else await queue.enqueue(sql, "refresh-model", [{ modelId: run.modelId }]);
        return run;
      }),
    find: (id) => findRun(database, id),
    list: (page) => listRuns(database, page),
    async resolve(reference) {
      if (isRunId(reference)) {
        const run = await findRun(database, reference);
        if (run) return run;
      } else if (reference === "latest") {
        const [run] = await listRuns(database, { limit: 1 });
        if (run) return run;
      } else if (LEAST_PREFIX.test(reference)) {
        const rows = await database.query<{ id: string }>(
          "SELECT id FROM training_run WHERE id::text LIKE $1 || '%' LIMIT 2",
          [reference.toLowerCase()],
        );
        const run = rows.length === 1 ? await findRun(database, rows[0]!.id) : undefined;
        if (run) return run;
      }
      throw new TrainingRunNotFound(reference);
    },
  };
}
