import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../src/database/package-root.js";

const run = promisify(execFile);

/** PyTorch's version, or undefined where Python cannot import it. */
export async function torchVersion(python: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(python, ["-W", "ignore", "-c", "import torch; print(torch.__version__)"]);
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** Median of the same step in PyTorch: channels_last, as many threads as cores. */
export async function torchMedianMs(python: string, name: string, batch: number, repeat: number): Promise<number> {
  const script = path.join(packageRoot(), "bench", "peers", "torch_training_step.py");
  const { stdout } = await run(python, ["-W", "ignore", script, name, String(batch), String(repeat)]);
  return (JSON.parse(stdout) as { medianMs: number }).medianMs;
}
