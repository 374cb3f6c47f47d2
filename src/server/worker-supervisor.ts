import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { createInterface } from "node:readline";
import type { Config } from "../config.js";
import type { Logger } from "../logger.js";
import type { WorkerReady, WorkerStart } from "./worker-message.type.js";

export interface WorkerSupervisor {
  /** Resolves when the worker takes jobs for the first time. */
  readonly ready: Promise<void>;
  /** Of the running child; changes when it is replaced. */
  pid(): number | undefined;
  /** Lets it finish what it is at, then ends it. */
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A worker that lived this long was well; the next failure starts with the short pause again. */
const WELL_AFTER_MS = 60_000;
/** Longer than the worker's own patience with its jobs. */
const STOP_WITHIN_MS = 30_000;

/**
 * Keeps one worker running as a child process, and replaces it when it dies: decoding and inference use every core,
 * and a native crash there must not take the answers with it.
 * @param writeLine takes its log lines; left out: they go to standard error, as ours do
 */
export function superviseWorker(config: Config, logger: Logger, writeLine?: (line: string) => void): WorkerSupervisor {
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  let restart: NodeJS.Timeout | undefined;
  let pause = FIRST_PAUSE_MS;
  let stopping = false;
  let announceReady = (): void => {};
  const ready = new Promise<void>((resolve) => {
    announceReady = resolve;
  });

  const start = (): void => {
    const startedAt = Date.now();
    // Its log lines go where ours go; standard output is for the answers of commands.
    const stdio: StdioOptions = writeLine ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", 2, "inherit", "ipc"];
    const started = fork(new URL("../main-worker.js", import.meta.url), [], { stdio });
    child = started;
    for (const output of writeLine ? [started.stdout, started.stderr] : []) {
      if (output) createInterface({ input: output }).on("line", writeLine!);
    }
    started.on("message", (message: WorkerReady) => {
      if (message.kind === "ready") announceReady();
    });
    started.on("error", (error) => logger.error({ reason: error.message }, "the worker process failed"));
    exited = new Promise((resolve) => {
      started.once("exit", (code, signal) => {
        child = undefined;
        resolve();
        if (stopping) return;
        if (Date.now() - startedAt > WELL_AFTER_MS) pause = FIRST_PAUSE_MS;
        logger.warn({ pid: started.pid, code, signal, restartInMs: pause }, "the worker ended; it is started again");
        restart = setTimeout(start, pause);
        pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
      });
    });
    started.send({ kind: "start", config } satisfies WorkerStart, (error) => {
      if (error) logger.debug({ reason: error.message }, "the worker ended before it got its configuration");
    });
  };
  start();

  return {
    ready,
    pid: () => child?.pid,
    async stop() {
      stopping = true;
      clearTimeout(restart);
      const ending = child;
      if (!ending) return;
      ending.kill("SIGTERM");
      const impatience = setTimeout(() => ending.kill("SIGKILL"), STOP_WITHIN_MS);
      await exited;
      clearTimeout(impatience);
    },
  };
}
