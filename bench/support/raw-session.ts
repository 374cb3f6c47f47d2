import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { InstalledEncoder } from "../../src/encoders/encoder.type.js";
import type { RawLaneSettings } from "./raw-lane.js";

/** Bare sessions fed ready tensors. */
export interface RawSession {
  readonly arrangement: string;
  /** Runs about `photos` photos. @returns photos a second */
  measure(photos: number): Promise<number>;
  close(): Promise<void>;
}

async function openRawSession(
  encoder: InstalledEncoder,
  lanes: number,
  threads: number,
  batch: number,
): Promise<RawSession> {
  const { size, layout } = encoder.manifest.preprocessing;
  const settings: RawLaneSettings = {
    modelPath: encoder.modelPath,
    input: encoder.manifest.input,
    output: encoder.manifest.output,
    shape: layout === "NCHW" ? [batch, 3, size, size] : [batch, size, size, 3],
    threads,
  };
  const workers = Array.from(
    { length: lanes },
    () => new Worker(new URL("./raw-lane.js", import.meta.url), { workerData: settings }),
  );
  const answers = () => Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
  await answers();
  return {
    arrangement: `${lanes} session(s) × ${threads} thread(s), batch ${batch}`,
    async measure(photos) {
      const runs = Math.max(1, Math.round(photos / (lanes * batch)));
      const started = performance.now();
      const done = answers();
      for (const worker of workers) worker.postMessage(runs);
      await done;
      return (runs * batch * lanes * 1000) / (performance.now() - started);
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/**
 * One session on all cores with the batch size that is fastest here. Each is tried twice.
 */
export async function openBestRawSession(encoder: InstalledEncoder, log: (line: string) => void): Promise<RawSession> {
  let best: { session: RawSession; rate: number } | undefined;
  for (const batch of [1, 4, 8, 16, 32]) {
    const session = await openRawSession(encoder, 1, availableParallelism(), batch);
    await session.measure(16);
    const rate = Math.max(await session.measure(64), await session.measure(64));
    log(`raw: ${session.arrangement}: ${rate.toFixed(0)} photos/s`);
    if (best === undefined || rate > best.rate) {
      await best?.session.close();
      best = { session, rate };
    } else await session.close();
  }
  return best!.session;
}

/** A session of one thread on each core, photo by photo: the pipeline's own arrangement, without its other work. */
export function openRawLanes(encoder: InstalledEncoder): Promise<RawSession> {
  return openRawSession(encoder, availableParallelism(), 1, 1);
}
