import { createLogger, type Logger } from "../logger.js";
import type { HostLogger } from "./lookalike.type.js";

/** pino's levels as the methods that loggers have in common. */
const METHODS: readonly [least: number, method: keyof HostLogger][] = [
  [50, "error"],
  [40, "warn"],
  [30, "info"],
];

/** A logger whose lines, secrets left out already, go where the host wants them. */
export interface LibraryLog {
  readonly logger: Logger;
  /** Takes a line that a process of ours wrote; undefined when processes write for themselves. */
  readonly writeLine?: (line: string) => void;
}

/** @param host undefined for standard error, false for nowhere */
export function createLibraryLog(level: string, host: HostLogger | false | undefined): LibraryLog {
  if (host === undefined) return { logger: createLogger(level) };
  if (host === false) return { logger: createLogger("silent"), writeLine() {} };
  const writeLine = (line: string): void => passOn(line, host);
  return { logger: createLogger(level, { write: writeLine }), writeLine };
}

function passOn(line: string, host: HostLogger): void {
  const text = line.trim();
  if (text === "") return;
  const { level, msg, time: _, ...fields } = readEntry(text);
  const method = METHODS.find(([least]) => Number(level) >= least)?.[1] ?? "debug";
  host[method](fields, String(msg ?? ""));
}

/** Native code writes lines of its own to standard error; they are handed on as they are. */
function readEntry(text: string): Record<string, unknown> {
  try {
    const entry: unknown = JSON.parse(text);
    if (typeof entry === "object" && entry !== null) return entry as Record<string, unknown>;
  } catch {
    // Not JSON.
  }
  return { level: 40, msg: text };
}
