import { formatTable, writeAnswer } from "./answer.js";
import type { CommonOptions } from "./settings.js";
import { withCore } from "./with-core.js";

export async function showHealth(options: CommonOptions): Promise<void> {
  await withCore(options, async (core) => {
    const health = await core.readHealth();
    writeAnswer(health, options.json, () => [
      ...formatTable(
        ["what", "how many"],
        [
          ["products", health.products],
          ["  that similarItems can answer for", health.embeddedProducts],
          ["  without photos", health.productsWithoutPhotos],
          ["photos", health.photos],
          ["  waiting to be fetched", health.photosPending],
          ["  fetched", health.photosReady],
          ["  failed", health.photosFailed],
          ["different photo contents", health.distinctPhotos],
          ["  embedded", health.embeddedPhotos],
          ["workers", health.workers],
        ],
      ),
      ...(health.failures.length === 0
        ? []
        : [
            "",
            ...formatTable(
              ["photos failed by", "photos"],
              health.failures.map(({ code, photos }) => [code, photos]),
            ),
          ]),
      "",
      ...formatTable(
        ["jobs", "waiting", "active", "retrying", "failed"],
        health.jobs.map(({ name, waiting, active, retrying, failed }) => [name, waiting, active, retrying, failed]),
      ),
    ]);
  });
}
