import { availableParallelism } from "node:os";
import sharp from "sharp";
import type { Config } from "../config.js";
import type { InstalledEncoder } from "../encoders/encoder.type.js";
import type { Logger } from "../logger.js";
import { chooseDevice } from "./device-probe.js";
import type { Embedder } from "./embedder.type.js";
import { DeviceUnavailable } from "./embedding.errors.js";
import type { Device } from "./encoder-session.js";
import { type LaneThread, startLane } from "./lane-thread.js";
import { planLanes } from "./lanes.js";

/** Photos of one message to a lane: few, so that lanes finish together; several, so that messages cost nothing. */
const PHOTOS_A_MESSAGE = 8;
/** Messages a lane holds: one it works on and one behind it, so that it never waits for this thread. */
const MESSAGES_A_LANE = 2;

export interface EmbedderOptions {
  readonly encoder: InstalledEncoder;
  readonly device: Config["device"];
  /** Cores to use; all of them when absent. */
  readonly threads?: number;
  /** Largest photo that is decoded, in pixels. */
  readonly maxPixels?: number;
  readonly logger: Logger;
}

/**
 * Loads an encoder on the first device that computes right.
 * @throws DeviceUnavailable when a device was asked for by name and cannot be used
 * @throws EncoderBroken when the graph is not what the manifest says
 */
export async function createEmbedder(options: EmbedderOptions): Promise<Embedder> {
  const { encoder, logger, threads = availableParallelism(), maxPixels = 100_000_000 } = options;
  // Lanes use every core already; libvips would add threads of its own, and a cache of photos that are read once.
  sharp.concurrency(1);
  sharp.cache(false);
  const startOn = async (device: Device) => {
    const plan = planLanes(encoder.modelPath, device, threads);
    const settings = { encoder, device, threads: plan.threads, batchSize: plan.batchSize, maxPixels };
    const lanes = await Promise.all(Array.from({ length: plan.lanes }, () => startLane(settings)));
    return { device, plan, settings, lanes };
  };
  const { device, plan, settings, lanes } = await startOn(await chooseDevice(options.device, logger)).catch((error) => {
    if (options.device !== "auto" || !(error instanceof DeviceUnavailable)) throw error;
    logger.info({ reason: error.message }, "the device cannot run this encoder; taking the cpu");
    return startOn("cpu");
  });
  const size = Math.max(PHOTOS_A_MESSAGE, plan.batchSize);
  const idle: (() => void)[] = [];
  logger.info({ encoder: encoder.manifest.name, device, ...plan }, "encoder loaded");

  function freeLane(): LaneThread | undefined {
    const least = lanes.reduce((best, lane) => (lane.load < best.load ? lane : best));
    return least.load < MESSAGES_A_LANE ? least : undefined;
  }

  async function replace(lost: LaneThread): Promise<LaneThread> {
    const started = await startLane(settings);
    const place = lanes.indexOf(lost);
    if (place >= 0) {
      lanes[place] = started;
      return started;
    }
    // Another request was faster.
    await started.close();
    return lanes[0]!;
  }

  async function onFreeLane(photos: readonly Buffer[], signal?: AbortSignal) {
    let lane = freeLane();
    while (lane === undefined) {
      await new Promise<void>((resolve) => idle.push(resolve));
      lane = freeLane();
    }
    try {
      signal?.throwIfAborted();
      if (!lane.alive) lane = await replace(lane);
      return await lane.embed(photos);
    } finally {
      idle.shift()?.();
    }
  }

  return {
    dims: encoder.manifest.dims,
    device,
    async embed(photos, signal) {
      // A handful is spread over all lanes; that is a visitor who waits for an answer.
      const share = Math.min(size, Math.max(1, Math.ceil(photos.length / lanes.length)));
      const parts: Promise<(Float32Array | Error)[]>[] = [];
      for (let at = 0; at < photos.length; at += share) {
        parts.push(onFreeLane(photos.slice(at, at + share), signal));
      }
      const results = (await Promise.all(parts)).flat();
      signal?.throwIfAborted();
      return results;
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
