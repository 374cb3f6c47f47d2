import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BadUserInput } from "../errors.js";

/**
 * Hands over to the benchmarks, which are not part of the installed package.
 * @throws BadUserInput when they are not there
 */
export async function bench(words: readonly string[]): Promise<void> {
  const script = fileURLToPath(new URL("../../bench/run.js", import.meta.url));
  if (!existsSync(script)) throw new BadUserInput("The benchmarks come with the source: clone the repository.");
  const child = spawn(process.execPath, [...process.execArgv, script, ...words], { stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
