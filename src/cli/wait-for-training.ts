import { setTimeout as delay } from "node:timers/promises";
import type { Core } from "../compose.js";
import { countWorkers } from "../jobs/worker-presence.js";
import { readEpochs } from "../learning/runs/run-records.reads.js";
import { ENDED, type TrainingRun } from "../learning/runs/training-run.type.js";
import { superviseWorker, type WorkerSupervisor } from "../server/worker-supervisor.js";
import { say } from "./answer.js";
import { type Progress, startProgress } from "./progress.js";

const LOOK_EVERY_MS = 500;

/** A run that waits longer than a worker takes to start says so. */
const PATIENCE_MS = 10_000;

const UNITS: Record<NonNullable<TrainingRun["stage"]>, string> = {
  snapshot: "photos",
  plan: "steps",
  caching: "photos",
  head: "steps",
  trunk: "steps",
  full: "steps",
  validation: "photos",
  export: "steps",
  refresh: "photos",
  index: "vectors",
  gate: "models",
};

/**
 * Waits until a run has ended, its model's refresh and the gate included, and tells what happens meanwhile. Starts a
 * worker for that time when none is running, and takes over when the one that was running is gone.
 * @returns the run as it is at its end, or when the signal fires
 */
export async function waitForTraining(core: Core, id: string, signal: AbortSignal): Promise<TrainingRun> {
  let worker: WorkerSupervisor | undefined;
  let queuedSince: number | undefined;
  const teller = createTeller(core);
  try {
    for (;;) {
      const run = (await core.training.find(id))!;
      await teller.tell(run);
      if (run.state !== "QUEUED") queuedSince = undefined;
      else queuedSince ??= Date.now();
      if (queuedSince !== undefined && Date.now() - queuedSince > PATIENCE_MS) {
        teller.noteOnce(
          "Waiting: for a worker, for the device that another run has, or for a changed encoder's vectors.",
        );
      }
      if (ENDED.includes(run.state) || signal.aborted) return run;
      if (!worker && (await countWorkers(core.database)) === 0) {
        teller.note("No worker is running: starting one for the time of this command.");
        worker = superviseWorker(core.config, core.logger);
      }
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    teller.stop();
    await worker?.stop();
  }
}

/** Says each thing about a run once: its plan, epochs and guards as lines, and how far it is as a bar. */
function createTeller({ database }: Pick<Core, "database">) {
  let shown: TrainingRun | undefined;
  let epoch = 0;
  let guards = 0;
  let bar: { readonly stage: string; readonly progress: Progress } | undefined;
  const stop = (): void => {
    bar?.progress.stop();
    bar = undefined;
  };
  const note = (line: string): void => {
    stop();
    say(line);
  };
  const noted = new Set<string>();
  return {
    note,
    noteOnce(line: string): void {
      if (!noted.has(line)) note(line);
      noted.add(line);
    },
    stop,
    async tell(run: TrainingRun): Promise<void> {
      if (run.plan && run.plan.reason !== shown?.plan?.reason) {
        note(`Plan: ${run.plan.reason}`);
        for (const { description } of run.plan.phases) say(`  ${description}`);
      }
      if (run.state !== shown?.state && run.state === "QUEUED" && run.failure) note(`Trying again: ${run.failure}`);
      if (run.state !== shown?.state && run.state === "REFRESHING") note("Trained. Making the new model's vectors.");
      shown = run;
      for (const { guard, step, action } of run.guards.slice(guards)) note(`Step ${step}, ${guard}: ${action}`);
      guards = run.guards.length;
      for (const each of await readEpochs(database, run.id, epoch)) {
        const { validation } = each;
        const figures = validation
          ? `, validation P@1 ${validation.precisionAt1.toFixed(3)}, mAP ${validation.meanAveragePrecision.toFixed(3)}`
          : "";
        note(`Epoch ${each.epoch} (${each.stage}): loss ${each.loss.toFixed(4)}${figures}`);
        epoch = each.epoch;
      }
      if (run.stage === null || run.total === 0 || ENDED.includes(run.state)) return;
      if (bar?.stage !== run.stage) {
        stop();
        bar = { stage: run.stage, progress: startProgress(run.stage, UNITS[run.stage]) };
      }
      bar.progress.update(run.done, run.total);
    },
  };
}
