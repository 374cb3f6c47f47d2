import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.type.js";
import { codeOf, LookalikeError, messageOf } from "../errors.js";
import type { Job, JobQueue } from "../jobs/job-queue.type.js";
import type { Logger } from "../logger.js";
import type { Vectors } from "../vectors/vectors.type.js";
import type { Gate, JudgeCandidate } from "./gate.type.js";
import { embedLacking, type MakeVectorsDependencies, type NoteMade, refreshProducts } from "./make-vectors.js";
import { LiveModelChanged, ModelNotReady } from "./model-promotion.errors.js";
import type { ModelPromotion } from "./model-promotion.type.js";
import type { ModelVersion, ModelVersions } from "./model-version.type.js";
import { RefreshIncomplete } from "./model-versions.errors.js";
import type { RefreshProgress, WaitingRuns } from "./refresh.type.js";
import type { StabilityReport } from "./stability.js";

export interface RefreshModelDependencies extends MakeVectorsDependencies {
  readonly database: Database;
  readonly vectors: MakeVectorsDependencies["vectors"] &
    Pick<Vectors, "countPhotos" | "findGaps" | "ensureIndex" | "calibrate">;
  readonly models: Pick<ModelVersions, "find" | "live" | "active" | "settle">;
  readonly promotion: Pick<ModelPromotion, "promoteByGate" | "cleanUp">;
  readonly runs: WaitingRuns;
  readonly queue: Pick<JobQueue, "enqueue">;
  readonly judge: JudgeCandidate;
  /** How much the answers would change. */
  compareAnswers(modelId: number, liveId: number, signal: AbortSignal): Promise<StabilityReport>;
  /** Fires when the worker is about to end: the next one goes on. */
  readonly stopping?: AbortSignal;
  readonly logger: Logger;
}

interface Waiting {
  readonly id: string;
  readonly promote: "IF_BETTER" | "NEVER";
  readonly request: unknown;
}

/** Photos and products may change while the last missing ones are made; after so many rounds another attempt takes over. */
const ROUNDS = 10;
const BETWEEN_ROUNDS_MS = 500;
/** Attempts of queue-options.ts; after the last one the run fails. */
const LAST_RETRY = 20;

/** The work was stopped on purpose: the refresh was paused, its run cancelled, or its model deleted. */
class Stopped extends Error {}

/**
 * Makes a candidate's vectors beside the live ones, then its index, then asks the gate where a run waits for it, and
 * promotes. Begun again it goes on with what is missing. Idempotent.
 * @returns handler for `JobConsumer.consume`
 */
export function createRefreshModel(dependencies: RefreshModelDependencies) {
  const { database, models, runs, queue, stopping, logger } = dependencies;

  return async (job: Pick<Job<"refresh-model">, "data" | "retryCount">, signal: AbortSignal): Promise<void> => {
    const { modelId } = job.data;
    const model = (await models.live()).find(({ id }) => id === modelId);
    const { stopped, run } = await findRun(database, modelId);
    if (model === undefined) {
      // Promoted by hand before this job began, and replaced since: a run that still waits would wait forever.
      if (run !== undefined && (await models.find(modelId)) !== undefined) await runs.finish(database, run.id, {});
      return;
    }
    if (stopped) return;
    try {
      await refresh(dependencies, model, run, stopping === undefined ? signal : AbortSignal.any([signal, stopping]));
    } catch (error) {
      if (error instanceof Stopped) {
        logger.info({ model: model.name }, "the refresh stopped; what was made stays");
        return;
      }
      signal.throwIfAborted();
      if (stopping?.aborted) {
        // Not a failure, of which there may be only so many.
        await queue.enqueue(database, "refresh-model", [{ modelId }]);
        logger.info({ model: model.name }, "the worker ends; the next one goes on with the refresh");
        return;
      }
      const hopeless = error instanceof LookalikeError && HOPELESS.has(error.code);
      if (run === undefined || (!hopeless && job.retryCount < LAST_RETRY)) throw error;
      logger.warn({ model: model.name, err: error }, "the refresh of a trained model failed");
      await runs.finish(database, run.id, { failure: { code: codeOf(error), message: messageOf(error) } });
    }
  };
}

/** What another attempt cannot mend. */
const HOPELESS = new Set(["ARTEFACT_MISSING", "ARTEFACT_DAMAGED", "ENCODER_BROKEN", "VECTOR_LENGTH_WRONG"]);

async function refresh(
  dependencies: RefreshModelDependencies,
  model: ModelVersion,
  run: Waiting | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { database, models, vectors, runs, logger } = dependencies;
  const note = async (progress: RefreshProgress): Promise<void> => {
    signal.throwIfAborted();
    if (await isPaused(database, model.id)) throw new Stopped();
    if (run !== undefined && !(await runs.note(database, run.id, progress))) throw new Stopped();
  };
  await makeComplete(dependencies, model, note, signal);
  await note(atStage("index"));
  await vectors.ensureIndex(model.id);
  await vectors.calibrate(model.id);
  await database.query(
    "UPDATE model_version SET refreshed_at = coalesce(refreshed_at, clock_timestamp()) WHERE id = $1::int",
    [model.id],
  );
  logger.info({ model: model.name }, "a model's vectors are complete");
  await models.settle();
  if (model.state === "CANDIDATE" && model.trained !== undefined) await decide(dependencies, model, run, note, signal);
  // Promoted by hand before this job began.
  else if (run !== undefined) await runs.finish(database, run.id, {});
  // Also of one that is no candidate any more: its job comes again when a worker was killed while it cleaned up.
  await dependencies.promotion.cleanUp();
}

/** Compares a complete candidate with the live model, and asks the gate where a run waits for that. */
async function decide(
  dependencies: RefreshModelDependencies,
  model: ModelVersion,
  run: Waiting | undefined,
  note: (progress: RefreshProgress) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { database, models, runs, logger } = dependencies;
  for (;;) {
    await note(atStage("gate"));
    const live = await models.active();
    if (live.id === model.id) {
      // Somebody promoted it by hand meanwhile: there is nothing left to decide.
      if (run !== undefined) await runs.finish(database, run.id, {});
      break;
    }
    const stability = await dependencies.compareAnswers(model.id, live.id, signal);
    await database.query(
      "UPDATE model_version SET metrics = metrics || jsonb_build_object('stability', $2::jsonb) WHERE id = $1::int",
      [model.id, JSON.stringify(stability)],
    );
    if (run === undefined) break;
    const candidate = { modelId: model.id, runId: run.id, request: run.request };
    const gate = await dependencies.judge(candidate, live.id, signal);
    try {
      await settle(dependencies, model, run, live.id, gate);
      break;
    } catch (error) {
      if (!(error instanceof LiveModelChanged) && !(error instanceof ModelNotReady)) throw error;
      // The catalog or the shelf changed while it was judged.
      logger.info({ model: model.name, reason: error.message }, "judged too early; once more");
      await makeComplete(dependencies, model, note, signal);
    }
  }
}

function atStage(stage: RefreshProgress["stage"]): RefreshProgress {
  return { stage, done: 0, total: 0, secondsLeft: null };
}

/** Records what was decided and does it, or neither. */
async function settle(
  { database, promotion, runs, logger }: RefreshModelDependencies,
  model: ModelVersion,
  run: Waiting,
  liveId: number,
  gate: Gate,
): Promise<void> {
  await database.transaction(async (sql) => {
    // The models first, as everything locks them that changes a model and its run.
    if (gate.passed && run.promote === "IF_BETTER") await promotion.promoteByGate(sql, model.id, liveId, gate);
    if (!(await runs.finish(sql, run.id, { gate }))) throw new Stopped();
    await sql.query(
      "UPDATE model_version SET metrics = metrics || jsonb_build_object('gate', $2::jsonb) WHERE id = $1::int",
      [model.id, JSON.stringify(gate)],
    );
  });
  logger.info({ model: model.name, passed: gate.passed, reason: gate.reason }, "the gate decided");
}

/** Photos and products until nothing is missing that the active model shows. */
async function makeComplete(
  dependencies: RefreshModelDependencies,
  model: ModelVersion,
  note: (progress: RefreshProgress) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { database, models, vectors } = dependencies;
  let failure: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { done, total } = await vectors.countPhotos(database, model.id);
    const progress = createProgress(done, total, note);
    failure = await embedLacking(dependencies, model.id, progress, signal);
    await refreshProducts(dependencies, model.id, progress, signal);
    const gaps = await vectors.findGaps(database, model.id, (await models.active()).id);
    if (gaps.photos === 0 && gaps.products === 0) return;
    if (failure !== undefined) break;
    await delay(BETWEEN_ROUNDS_MS * round, undefined, { signal });
  }
  throw new RefreshIncomplete(model.name, failure);
}

/** Tells the run how far it is and how long it may take; at most once a second. */
function createProgress(before: number, total: number, note: (progress: RefreshProgress) => Promise<void>): NoteMade {
  const startedAt = performance.now();
  let made = 0;
  let notedAt = Number.NEGATIVE_INFINITY;
  return async (more) => {
    made += more;
    const now = performance.now();
    if (now - notedAt < 1000) return;
    notedAt = now;
    const left = Math.max(0, total - before - made);
    const secondsLeft = made === 0 ? null : (left * (now - startedAt)) / 1000 / made;
    await note({ stage: "refresh", done: Math.min(total, before + made), total, secondsLeft });
  };
}

/** The run that waits for this model; `stopped` when its run was cancelled or failed and nobody has resumed it. */
async function findRun(
  database: Database,
  modelId: number,
): Promise<{ readonly run?: Waiting; readonly stopped: boolean }> {
  const [row] = await database.query<Waiting & { state: string }>(
    `SELECT r.id, r.promote::text AS promote, r.request, r.state::text AS state
     FROM training_run r JOIN model_version m ON m.run_id = r.id WHERE m.id = $1::int`,
    [modelId],
  );
  if (row === undefined) return { stopped: false };
  if (row.state === "REFRESHING") return { run: row, stopped: false };
  return { stopped: row.state !== "SUCCEEDED" };
}

async function isPaused(database: Database, modelId: number): Promise<boolean> {
  const [row] = await database.query<{ going: boolean }>(
    "SELECT NOT refresh_paused AS going FROM vectors.live_model WHERE id = $1::int",
    [modelId],
  );
  return row?.going !== true;
}
