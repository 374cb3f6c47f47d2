import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A real process of its own that runs a file of this folder and tells what it does by messages. */
export interface Child {
  readonly pid: number;
  readonly messages: readonly unknown[];
  /** Everything it wrote to standard error. */
  readonly errors: () => string;
  send(message: string): void;
  /** The first message that fits, also when it came before this call. Fails when the process ends without it. */
  saw<T = unknown>(fits: (message: unknown) => boolean): Promise<T>;
  /** The exit code once it has ended, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** Ends it with SIGKILL, which it cannot notice, and waits until it is gone. */
  kill(): Promise<void>;
}

/** @param script name of a compiled file in test/support, without its extension */
export function startChild(script: string, ...args: string[]): Child {
  const file = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
  const child: ChildProcess = fork(file, args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  const messages: unknown[] = [];
  let errors = "";
  child.on("message", (message) => messages.push(message));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    pid: child.pid!,
    messages,
    errors: () => errors,
    send: (message) => void child.send(message),
    saw: <T>(fits: (message: unknown) => boolean) =>
      new Promise<T>((resolve, reject) => {
        const look = (): void => {
          const found = messages.find(fits);
          if (found !== undefined) resolve(found as T);
        };
        child.on("message", look);
        look();
        void ended.then((how) => reject(new Error(`The child ended (${how}) too early: ${errors}`)));
      }),
    ended,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
