import { setTimeout as delay } from "node:timers/promises";
import type { Core } from "../compose.js";
import { countWorkers } from "../jobs/worker-presence.js";
import { superviseWorker, type WorkerSupervisor } from "../server/worker-supervisor.js";
import { say } from "./answer.js";
import { startProgress } from "./progress.js";

const LOOK_EVERY_MS = 500;
/** Jobs that only wait for another attempt (a photo's server is down) hold a command up no longer than this. */
const RETRY_PATIENCE_MS = 60_000;

export interface EmbeddingWait {
  /** Photos that were embedded meanwhile. */
  readonly embedded: number;
  readonly seconds: number;
  /** Jobs left for later attempts. */
  readonly retrying: number;
  /** Jobs given up meanwhile. */
  readonly failed: number;
}

/**
 * Waits until every photo that can be fetched and embedded is, showing how far it is. Starts a worker for that time
 * when none is running, and takes over when the one that was running is gone.
 */
export async function waitForEmbedding(core: Core): Promise<EmbeddingWait> {
  const startedAt = Date.now();
  const before = await countEmbedded(core);
  const failedBefore = (await openJobs(core)).failed;
  let failed = 0;
  let worker: WorkerSupervisor | undefined;
  let onlyRetriesSince: number | undefined;
  let embedded = 0;
  const progress = startProgress("embedding", "photos");
  try {
    for (;;) {
      const jobs = await openJobs(core);
      failed = Math.max(0, jobs.failed - failedBefore);
      embedded = (await countEmbedded(core)) - before;
      progress.update(embedded, embedded + jobs.ready + jobs.retrying);
      if (jobs.ready + jobs.retrying === 0) return finish(0);
      if (jobs.ready > 0) onlyRetriesSince = undefined;
      else onlyRetriesSince ??= Date.now();
      if (onlyRetriesSince !== undefined && Date.now() - onlyRetriesSince > RETRY_PATIENCE_MS) {
        return finish(jobs.retrying);
      }
      if (!worker && (await countWorkers(core.database)) === 0) {
        say("No worker is running: starting one for the time of this command.");
        worker = superviseWorker(core.config, core.logger);
      }
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    progress.stop();
    await worker?.stop();
  }

  function finish(retrying: number): EmbeddingWait {
    return { embedded, retrying, failed, seconds: (Date.now() - startedAt) / 1000 };
  }
}

async function openJobs({ queue }: Core): Promise<{ ready: number; retrying: number; failed: number }> {
  const counts = await queue.counts();
  let ready = 0;
  let retrying = 0;
  let failed = 0;
  for (const name of ["import-catalog", "fetch-photo", "embed-photo"] as const) {
    ready += counts[name].waiting + counts[name].active;
    retrying += counts[name].retrying;
    failed += counts[name].failed;
  }
  return { ready, retrying, failed };
}

async function countEmbedded({ database }: Core): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM vectors.photo_vector
     WHERE model_id = (SELECT id FROM model_version WHERE state = 'ACTIVE')`,
  );
  return row?.count ?? 0;
}
