import { setTimeout as delay } from "node:timers/promises";
import type { Core } from "../compose.js";
import { BadUserInput } from "../errors.js";
import { countWorkers } from "../jobs/worker-presence.js";
import { ModelNotReady } from "../models/index.js";
import type { ModelVersion } from "../models/model-version.type.js";
import { superviseWorker, type WorkerSupervisor } from "../server/worker-supervisor.js";
import { say, writeAnswer } from "./answer.js";
import { startProgress } from "./progress.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

const LOOK_EVERY_MS = 500;

export interface PromoteOptions extends CommonOptions {
  readonly force?: boolean;
  readonly wait?: boolean;
}

export async function promoteModel(id: string, options: PromoteOptions): Promise<void> {
  await answerWithModel(options, async (core) => {
    const modelId = toModelId(id);
    const promote = () => core.promotion.promote(modelId, { force: options.force === true });
    const model = options.wait ? await whenReady(core, modelId, promote) : await promote();
    return [model, `${model.name} answers from now on.`];
  });
}

export async function rollbackModel(options: CommonOptions): Promise<void> {
  await answerWithModel(options, async (core) => {
    const model = await core.promotion.rollback();
    return [model, `${model.name} answers again.`];
  });
}

export async function deleteModel(id: string, options: CommonOptions): Promise<void> {
  await answerWithModel(options, async (core) => {
    const model = await core.promotion.delete(toModelId(id));
    return [model, `${model.name} is deleted: its vectors and weights are gone.`];
  });
}

async function answerWithModel(
  options: CommonOptions,
  work: (core: Core) => Promise<readonly [ModelVersion, string]>,
): Promise<void> {
  await withCore(options, async (core) => {
    const [{ trained: _, ...model }, line] = await work(core);
    writeAnswer(model, options.json, () => [line]);
  });
}

/** Requests of a refresh after which a model that still lacks vectors is given up: photos come in all the time. */
const REFRESHES = 5;

/**
 * Has missing vectors made, and promotes when the refresh is over: its index, its comparison with the live model and
 * what the gate says are part of it. Starts a worker for that time when none is running.
 */
async function whenReady(core: Core, modelId: number, promote: () => Promise<ModelVersion>): Promise<ModelVersion> {
  let worker: WorkerSupervisor | undefined;
  let refreshes = 0;
  const progress = startProgress("Making vectors", "photos");
  try {
    for (;;) {
      if (!(await isBeingRefreshed(core, modelId))) {
        try {
          const model = await promote();
          // The one that answered until now has retired, and may be one too many.
          await core.promotion.cleanUp();
          return model;
        } catch (error) {
          if (!(error instanceof ModelNotReady) || refreshes === REFRESHES) throw error;
        }
        await core.promotion.resumeRefresh(modelId);
        refreshes += 1;
      }
      if (!worker && (await countWorkers(core.database)) === 0) {
        say("No worker is running: starting one for the time of this command.");
        worker = superviseWorker(core.config, core.logger);
      }
      const { done, total } = await core.vectors.countPhotos(core.database, modelId);
      progress.update(done, total);
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    progress.stop();
    await worker?.stop();
  }
}

async function isBeingRefreshed({ database }: Core, modelId: number): Promise<boolean> {
  const jobs = await database.query(
    `SELECT 1 AS there FROM pgboss.job
     WHERE name = 'refresh-model' AND state IN ('created', 'retry', 'active') AND data ->> 'modelId' = $1 LIMIT 1`,
    [String(modelId)],
  );
  return jobs.length > 0;
}

/** @throws BadUserInput */
function toModelId(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new BadUserInput(
    `${JSON.stringify(text)} is not a model's id, such as 3. List them with \`lookalike models\`.`,
    ["id"],
  );
}
