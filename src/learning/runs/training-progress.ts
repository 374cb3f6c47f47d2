import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../database/database.type.js";
import { ENDED, type TrainingRun } from "./training-run.type.js";
import { findRun } from "./training-runs.repository.js";

const LOOK_EVERY_MS = 1_000;

/** Progress as it is made, a value when something changed. */
export interface TrainingProgressSource {
  /** Until the run has ended or the signal fires. Nothing for an id that nobody has. */
  run(id: string, signal: AbortSignal): AsyncGenerator<TrainingRun>;
}

/** By looking once a second, as the progress of imports does. A sign of life alone is no news. */
export function createTrainingProgress(sql: Sql): TrainingProgressSource {
  return {
    async *run(id, signal) {
      let shown = "";
      while (!signal.aborted) {
        const run = await findRun(sql, id);
        if (!run) return;
        const now = JSON.stringify({ ...run, seenAt: null });
        if (now !== shown) yield run;
        shown = now;
        if (ENDED.includes(run.state)) return;
        await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}
