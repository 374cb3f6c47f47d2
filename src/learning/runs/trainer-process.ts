import { fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Logger } from "../../logger.js";
import type { FromTrainer, TrainerCancel, TrainerStart } from "./trainer-message.type.js";

/** A trainer that was told to stop and has not ended after this time is killed: a cancelled run ends within 2 s. */
const STOP_WITHIN_MS = 1_200;
/** Last words that are kept for the reason of a crash. */
const LAST_LINES = 8;
const LONGEST_LINE = 500;

export interface TrainerProcess {
  readonly pid: number | undefined;
  /** Resolves when the process is gone and everything it said has been handed over. */
  readonly ended: Promise<TrainerEnd>;
  /** Lets it write a checkpoint and end; kills it when that takes too long. */
  stop(graceMs?: number): void;
  kill(): void;
}

export interface TrainerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to standard error at last, beside its log. */
  readonly lastWords: string;
}

/**
 * Starts a trainer as a child process, so that a native crash or the end of memory takes nobody with it. Messages come
 * in the order in which they were sent, before `ended` resolves.
 * @param script compiled file to run; main-trainer.js unless a test brings its own
 */
export function startTrainer(
  start: TrainerStart,
  onMessage: (message: FromTrainer) => void,
  logger: Logger,
  script: URL = new URL("../../main-trainer.js", import.meta.url),
): TrainerProcess {
  // Structured clones and not JSON, which has no NaN: a loss that is none must be told as it is.
  const child = fork(script, [], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    execArgv: [],
  });
  const lastWords: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (isLogLine(line)) {
      process.stderr.write(`${line}\n`);
      return;
    }
    lastWords.push(line.slice(0, LONGEST_LINE));
    if (lastWords.length > LAST_LINES) lastWords.shift();
    logger.warn({ trainer: child.pid, line: line.slice(0, LONGEST_LINE) }, "the trainer says");
  });
  child.on("message", onMessage);
  child.on("error", (error) =>
    logger.warn({ trainer: child.pid, reason: error.message }, "the trainer process failed"),
  );
  child.send(start, (error) => {
    if (error) logger.debug({ reason: error.message }, "the trainer ended before it got its task");
  });
  let impatience: NodeJS.Timeout | undefined;
  // "close" comes after the last message and the last line; "exit" may come before.
  const ended = once(child, "close").then(([code, signal]) => {
    clearTimeout(impatience);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, lastWords: lastWords.join("\n") };
  });
  return {
    pid: child.pid,
    ended,
    stop(graceMs = STOP_WITHIN_MS) {
      if (impatience) return;
      if (child.connected) child.send({ kind: "cancel" } satisfies TrainerCancel, () => {});
      impatience = setTimeout(() => child.kill("SIGKILL"), graceMs);
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** One of our logger's own lines, which goes where ours go, as it is. */
function isLogLine(line: string): boolean {
  return line.startsWith('{"level":');
}
