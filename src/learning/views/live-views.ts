import pLimit from "p-limit";
import { viewSeed } from "./fill-cache.js";
import type { ViewLanes } from "./view-lanes.js";
import type { ValueLength, ViewSource } from "./view-source.type.js";

/**
 * Views made anew whenever they are asked for: where everything trains and nothing can be cached.
 * @param read bytes of the photo at a place
 */
export function createLiveViews(
  lanes: ViewLanes,
  values: readonly ValueLength[],
  seed: number,
  read: (place: number) => Promise<Buffer>,
): ViewSource {
  const limit = pLimit(lanes.room);
  return {
    async batch(places, views) {
      const result = Object.fromEntries(
        values.map(({ name, length }) => [name, new Float32Array(places.length * length)] as const),
      );
      await Promise.all(
        Array.from(places, (place, row) =>
          limit(async () => {
            const rows = await lanes.prepare({
              photo: await read(place),
              seed: viewSeed(seed, place),
              views: [views[row]!],
            });
            let at = 0;
            for (const { name, length } of values) {
              result[name]!.set(rows.subarray(at, at + length), row * length);
              at += length;
            }
          }),
        ),
      );
      return result;
    },
  };
}
