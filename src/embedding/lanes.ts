import { statSync } from "node:fs";
import type { Device } from "./encoder-session.js";

/** Memory that copies of the weights may take together, bytes. */
const WEIGHTS_BUDGET = 2 ** 30;

export interface LanePlan {
  /** Threads that decode and infer, each with a session of its own. */
  readonly lanes: number;
  /** Cores that one inference may use. */
  readonly threads: number;
  /** Photos of one inference. */
  readonly batchSize: number;
}

/**
 * Shares `cores` among lanes. On the cpu one lane a core, photo by photo: a single photo's activations stay in the
 * core's cache, and no core waits for another (docs/decisions/060-embedding-throughput.md). Large weights are held
 * fewer times. A GPU takes one session and larger batches.
 */
export function planLanes(modelPath: string, device: Device, cores: number): LanePlan {
  if (device !== "cpu") return { lanes: 1, threads: 1, batchSize: 16 };
  const affordable = Math.max(1, Math.floor(WEIGHTS_BUDGET / Math.max(1, statSync(modelPath).size)));
  const lanes = Math.max(1, Math.min(cores, affordable));
  return { lanes, threads: Math.max(1, Math.floor(cores / lanes)), batchSize: 1 };
}
