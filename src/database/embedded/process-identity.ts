import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";

/** Enough about a process to recognise it later, also when its number was given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Names the range in which `pid` means anything: one boot of one kernel and its pid namespace. */
  readonly scope: string;
  /** Start of the process in clock ticks since boot; null where there is no /proc. */
  readonly startTicks: string | null;
  /** What it runs, for people. No argument that could be a secret: only a plain word in first place. */
  readonly command: string;
}

export function ownIdentity(): ProcessIdentity {
  const [, script = "node", argument = ""] = process.argv;
  return {
    pid: process.pid,
    host: hostname(),
    scope: ownScope(),
    startTicks: processStart(process.pid),
    command: [path.basename(script), ...(/^[a-z][a-z-]{0,30}$/.test(argument) ? [argument] : [])].join(" "),
  };
}

/** `unknown` when the process lives in another container or on another machine, where its number says nothing. */
export function livenessOf(identity: ProcessIdentity): "alive" | "gone" | "unknown" {
  if (identity.scope !== ownScope()) return "unknown";
  if (identity.startTicks !== null) return processStart(identity.pid) === identity.startTicks ? "alive" : "gone";
  try {
    process.kill(identity.pid, 0);
    return "alive";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "alive" : "gone";
  }
}

function ownScope(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** Null when there is no such process, when it is dead but not collected by its parent, or when /proc is missing. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in brackets and may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
