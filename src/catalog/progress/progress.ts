import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../database/database.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import { IMPORT_RUN_ID } from "../import/import-run.resolver.js";
import type { ProgressSource } from "./progress.type.js";

const LOOK_EVERY_MS = 1_000;
/** Looks that the rate is taken over. */
const RATE_LOOKS = 15;

/**
 * Progress by looking once a second. Not by NOTIFY: on the embedded database it reaches every connection, and a
 * second is what a person sees.
 */
export function createProgressSource(
  database: Pick<Database, "prisma" | "query">,
  queue: Pick<JobQueue, "counts">,
): ProgressSource {
  return {
    async *importRun(id, signal) {
      if (!IMPORT_RUN_ID.test(id)) return;
      let shown = "";
      while (!signal.aborted) {
        const run = await database.prisma.importRun.findUnique({ where: { id } });
        if (!run) return;
        const now = JSON.stringify(run);
        if (now !== shown) yield run;
        shown = now;
        if (run.state === "SUCCEEDED" || run.state === "FAILED") return;
        await pause(signal);
      }
    },

    async *embedding(signal) {
      const looks: { readonly at: number; readonly embedded: number }[] = [];
      let shown = "";
      while (!signal.aborted) {
        const counts = await queue.counts();
        const remainingPhotos = (["fetch-photo", "embed-photo"] as const).reduce(
          (sum, name) => sum + counts[name].waiting + counts[name].active + counts[name].retrying,
          0,
        );
        const embeddedPhotos = await countEmbedded(database);
        looks.push({ at: Date.now(), embedded: embeddedPhotos });
        if (looks.length > RATE_LOOKS) looks.shift();
        const first = looks[0]!;
        const seconds = (Date.now() - first.at) / 1_000;
        const photosPerSecond = seconds > 0 ? Math.max(0, embeddedPhotos - first.embedded) / seconds : 0;
        const secondsLeft = photosPerSecond > 0 ? Math.round(remainingPhotos / photosPerSecond) : null;
        const now = `${embeddedPhotos} ${remainingPhotos}`;
        if (now !== shown) yield { embeddedPhotos, remainingPhotos, photosPerSecond, secondsLeft };
        shown = now;
        await pause(signal);
      }
    },
  };
}

async function countEmbedded(database: Pick<Database, "query">): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM vectors.photo_vector
     WHERE model_id = (SELECT id FROM model_version WHERE state = 'ACTIVE')`,
  );
  return row?.count ?? 0;
}

/** Until the next look, or until nobody listens any more. */
async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
}
