import pLimit from "p-limit";
import { isContentFailure } from "../../embedding/photo-failures.js";
import { mixed } from "./draw-view.js";
import type { ViewCache } from "./view-cache.js";
import type { ViewLanes } from "./view-lanes.js";

export interface FillOptions {
  readonly cache: ViewCache;
  /** The photos themselves, or what is made of them for training. */
  readonly views: "plain" | "augmented";
  readonly lanes: ViewLanes;
  readonly seed: number;
  readonly viewsOf: Int32Array;
  /** Bytes of the photo at a place. */
  read(place: number): Promise<Buffer>;
  /** After each photo; `done` of `total` are there. */
  progress(done: number, total: number): Promise<void>;
  readonly signal: AbortSignal;
}

/** Prepares what the cache lacks. Photos that cannot be read are marked and left out. */
export async function fillViewCache(options: FillOptions): Promise<void> {
  const { cache, lanes, viewsOf, signal } = options;
  const missing = cache.missing(options.views);
  const fewest = options.views === "plain" ? 1 : 2;
  const total = viewsOf.reduce((count, views) => count + Number(views >= fewest), 0);
  let done = total - missing.length;
  const limit = pLimit(lanes.room);
  const one = async (place: number): Promise<void> => {
    if (signal.aborted) return;
    try {
      const photo = await options.read(place);
      const views = options.views === "plain" ? [0] : Array.from({ length: viewsOf[place]! - 1 }, (_, at) => at + 1);
      const rows = await lanes.prepare({ photo, seed: viewSeed(options.seed, place), views });
      if (!(rows instanceof Uint16Array)) throw new TypeError("the lanes of a cache give half-precision numbers");
      await cache.write(place, options.views, rows);
    } catch (error) {
      if (!isContentFailure(error)) throw error;
      await cache.markUnreadable(place);
    }
    done += 1;
    await options.progress(done, total);
  };
  await Promise.all(missing.map((place) => limit(() => one(place))));
}

/** Seed of the views of one photo. */
export function viewSeed(seed: number, place: number): number {
  return mixed(seed, place);
}
