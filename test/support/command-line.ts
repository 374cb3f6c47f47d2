import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** Nothing of the caller's own settings reaches the processes under test. */
function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(LOOKALIKE_|DATABASE_URL$|NODE_TEST)/.test(name));
  return { ...Object.fromEntries(own), ...settings };
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `lookalike …` as a process of its own, to its end. */
export async function lookalike(
  args: readonly string[],
  settings: Record<string, string> = {},
): Promise<CommandResult> {
  return startLookalike(args, settings).ended;
}

/** Starts `lookalike …` as a process of its own. */
export function startLookalike(
  args: readonly string[],
  settings: Record<string, string> = {},
): { readonly ended: Promise<CommandResult>; signal(name: NodeJS.Signals): void } {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: environment(settings),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { ended, signal: (name) => void child.kill(name) };
}

/** A running `lookalike serve` with its worker. */
export interface Served {
  readonly address: string;
  readonly pid: number;
  /** Of the worker that took jobs last. */
  workerPid(): number | undefined;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL to the API, the worker, or both. */
  kill(whom: "api" | "worker" | "both"): Promise<void>;
}

/** A `lookalike …` process that stays, and what it logs. */
export interface Service {
  readonly pid: number;
  log(): string;
  /** Waits for a line of its log. @throws when the process ends without it, or a minute is over */
  saw(wanted: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** The exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

/** Starts `lookalike …` as a process of its own that goes on until it is told to end. */
export function startService(args: readonly string[], settings: Record<string, string>): Service {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: environment(settings),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  return {
    pid: child.pid!,
    log: () => log,
    saw: (wanted) => logged(child, () => log, wanted, args.join(" ")),
    signal: (name) => void child.kill(name),
    ended: once(child, "exit").then(([code]) => code as number | null),
  };
}

/** Starts `lookalike serve` on any port and waits until it answers and its worker takes jobs. */
export async function serve(settings: Record<string, string>): Promise<Served> {
  const service = startService(["serve", "--port", "0"], settings);
  const address = (await service.saw(SERVING))[1]!;
  await service.saw(/"process":"worker".*"taking jobs"/);
  const workerPid = (): number | undefined => workerOf(service);
  return {
    address,
    pid: service.pid,
    workerPid,
    stop() {
      service.signal("SIGTERM");
      return service.ended;
    },
    async kill(whom) {
      const worker = workerPid();
      if (whom !== "worker") service.signal("SIGKILL");
      if (whom !== "api" && worker !== undefined) process.kill(worker, "SIGKILL");
      if (whom !== "worker") await service.ended;
    },
  };
}

/** The process of the worker that took jobs last, by a server's log. */
export function workerOf(service: Pick<Service, "log">): number | undefined {
  const last = [...service.log().matchAll(/"pid":(\d+),"process":"worker","msg":"taking jobs"/g)].at(-1)?.[1];
  return last === undefined ? undefined : Number(last);
}

/** What a server says when it answers; the first group is its address. */
export const SERVING = /GraphQL at (http:\/\/\S+)\/graphql/;

async function logged(
  child: ChildProcess,
  log: () => string,
  wanted: RegExp,
  command: string,
): Promise<RegExpExecArray> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const found = wanted.exec(log());
    if (found) return found;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await delay(50);
  }
  child.kill("SIGKILL");
  throw new Error(`lookalike ${command} did not come up: ${log()}`);
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
