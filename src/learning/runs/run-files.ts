import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Config } from "../../config.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";

/** Keys of a run in the artefact store. Those of an attempt are its own: two attempts never write one file. */
export const runKeys = {
  snapshot: (runId: string) => `runs/${runId}/snapshot.json`,
  /**
   * Written in turn: between the writing of a checkpoint and the run's hearing of it, a kill must leave the one before.
   * A single file would be another than the run knows, and the training would begin anew.
   */
  checkpoints: (runId: string, attempt: number) =>
    [`runs/${runId}/checkpoint-${attempt}a`, `runs/${runId}/checkpoint-${attempt}b`] as const,
  model: (runId: string, attempt: number) => `runs/${runId}/encoder-${attempt}.onnx`,
};

/** Prepared photos of a run on this machine, gigabytes maybe; can be made again. */
export function workFolderOf({ data }: Pick<Config, "data">, runId: string): string {
  return path.join(data, "training", runId);
}

export async function removeWorkFolder(config: Pick<Config, "data">, runId: string): Promise<void> {
  await rm(workFolderOf(config, runId), { recursive: true, force: true });
}

/** Runs that have a folder on this machine. */
export async function runsWithWorkFolder({ data }: Pick<Config, "data">): Promise<string[]> {
  try {
    return await readdir(path.join(data, "training"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What the attempts of a finished run left behind: checkpoints, and encoders that were never registered. */
export async function removeLeftovers(
  artefacts: Pick<ArtefactStore, "delete">,
  { id, attempts }: { readonly id: string; readonly attempts: number },
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    for (const key of runKeys.checkpoints(id, attempt)) await artefacts.delete(key);
    if (attempt < attempts) await artefacts.delete(runKeys.model(id, attempt));
  }
}
