import { messageOf } from "../errors.js";
import type { JobQueue } from "../jobs/job-queue.type.js";
import type { Logger } from "../logger.js";
import type { ModelVersions } from "../models/model-version.type.js";
import type { Vectors } from "../vectors/vectors.type.js";

export interface MaintainVectorsDependencies {
  readonly queue: Pick<JobQueue, "counts">;
  readonly models: Pick<ModelVersions, "live" | "settle">;
  readonly vectors: Pick<Vectors, "ensureIndex" | "calibrate">;
  readonly logger: Logger;
}

export interface VectorMaintenance {
  /** To be called when photos were embedded. */
  noteEmbedded(): void;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 5_000;

/**
 * After a burst of embedding, lets a complete base model take over, builds the index that a grown catalog needs, and
 * measures the scale of its scores.
 * Not during the burst: inserting into a live index runs at some hundred rows a second, building it afterwards at
 * thousands.
 */
export function startVectorMaintenance(dependencies: MaintainVectorsDependencies): VectorMaintenance {
  const { queue, models, vectors, logger } = dependencies;
  // True at first: a worker before this one may have been killed between embedding and maintenance.
  let due = true;
  let running: Promise<void> = Promise.resolve();

  const maintain = async (): Promise<void> => {
    if (!due) return;
    const { "embed-photo": embedding, "refresh-model": refreshing } = await queue.counts();
    if (embedding.waiting + embedding.active > 0) return;
    due = false;
    await models.settle();
    // A refresh builds its candidate's index itself, when the last vector is there.
    const halfMade = refreshing.waiting + refreshing.active + refreshing.retrying > 0;
    for (const { id, state } of await models.live()) {
      if (state === "CANDIDATE" && halfMade) continue;
      await vectors.ensureIndex(id);
      await vectors.calibrate(id);
    }
  };
  let idle = true;
  const timer = setInterval(() => {
    if (!idle) return;
    idle = false;
    running = maintain()
      .catch((error: unknown) => {
        due = true;
        logger.warn({ reason: messageOf(error) }, "the vectors could not be maintained; tried again soon");
      })
      .finally(() => {
        idle = true;
      });
  }, LOOK_EVERY_MS);

  return {
    noteEmbedded() {
      due = true;
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
