import { Counter, Gauge, type Registry } from "prom-client";
import type { Database } from "../../database/database.type.js";
import { messageOf } from "../../errors.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import type { ModelVersions } from "../../models/model-version.type.js";
import type { CacheCounters } from "../../similar/cache/index.js";
import { withPatience } from "./patience.js";
import { remembered } from "./remembered.js";
import { readOldestJobs, readPhotoNumbers } from "./shop-numbers.repository.js";

export interface ShopSources {
  readonly database: Pick<Database, "query" | "pool">;
  readonly queue: Pick<JobQueue, "counts">;
  readonly models: Pick<ModelVersions, "active">;
  readonly cacheCounters: () => CacheCounters | undefined;
  readonly logger: Logger;
}

/** A figure that takes longer is left out of an answer, so that the others are there before Prometheus gives up. */
const PATIENCE_MS = 5_000;
const JOBS_PAUSE_MS = 5_000;
/** Photos are counted one by one: at most a fiftieth of the time goes into it, however many there are. */
const PHOTOS_PAUSE_MS = 30_000;
const PHOTOS_PAUSE_FACTOR = 50;

/**
 * Figures that are read when somebody asks for them. Never throws: a part that fails is absent, and said to fail.
 * @param jobsPauseMs how long jobs and the model are remembered
 */
export function createShopGauges(
  registry: Registry,
  sources: ShopSources,
  jobsPauseMs = JOBS_PAUSE_MS,
): { read(): Promise<void> } {
  const { database, queue, models, logger } = sources;
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> =>
    new Gauge({ name: `lookalike_${name}`, help, labelNames, registers: [registry] });
  const failing = gauge("figures_failing", "1 where a part of these figures could not be read.", ["part"]);
  const connections = gauge("database_connections", "Of this process, by what they do.", ["state"]);
  const waiting = gauge("database_waiting", "Who waits for a connection of this process.");
  const jobs = gauge("jobs", "Jobs of all processes by queue and state.", ["queue", "state"]);
  const oldest = gauge("oldest_job_seconds", "Age of the oldest job that could have been done by now.", ["queue"]);
  const model = gauge("active_model", "1 for the model that answers.", ["id", "name"]);
  const photos = gauge("photos", "Photo contents that products show, by whether they have a vector.", ["state"]);
  const lag = gauge("embedding_lag_seconds", "Since the oldest photo was stored that has no vector.");
  const entries = gauge("cache_entries", "Answers that are remembered.");
  const bytes = gauge("cache_bytes", "Memory that they take.");
  const cache = new Counter({
    name: "lookalike_cache_questions_total",
    help: "Questions to the cache of answers by what became of them; shared ones are misses too.",
    labelNames: ["result"],
    registers: [registry],
  });
  const evictions = new Counter({
    name: "lookalike_cache_evictions_total",
    help: "Answers that made room for others.",
    registers: [registry],
  });

  const readJobs = remembered(
    async () => ({ counts: await queue.counts(), ages: await readOldestJobs(database) }),
    () => jobsPauseMs,
  );
  const readModel = remembered(
    () => models.active(),
    () => jobsPauseMs,
  );
  const readPhotos = remembered(
    async () => readPhotoNumbers(database, (await models.active()).id),
    (tookMs) => Math.max(PHOTOS_PAUSE_MS, PHOTOS_PAUSE_FACTOR * tookMs),
  );

  const parts: Record<string, { read(): Promise<void>; forget(): void }> = {
    jobs: {
      forget: () => [jobs, oldest].forEach((figure) => void figure.reset()),
      async read() {
        const { counts, ages } = await readJobs();
        this.forget();
        for (const [name, states] of Object.entries(counts)) {
          oldest.set({ queue: name }, ages.find((age) => age.queue === name)?.seconds ?? 0);
          for (const [state, count] of Object.entries(states)) jobs.set({ queue: name, state }, count);
        }
      },
    },
    model: {
      forget: () => model.reset(),
      async read() {
        const { id, name } = await readModel();
        this.forget();
        model.set({ id, name }, 1);
      },
    },
    photos: {
      forget: () => {
        photos.reset();
        lag.remove();
      },
      async read() {
        const numbers = await readPhotos();
        photos.set({ state: "embedded" }, numbers.embedded);
        photos.set({ state: "waiting" }, numbers.waiting);
        lag.set(numbers.lagSeconds);
      },
    },
  };

  function readOwn(): void {
    const { totalCount, idleCount, waitingCount } = database.pool;
    connections.set({ state: "idle" }, idleCount);
    connections.set({ state: "busy" }, totalCount - idleCount);
    waiting.set(waitingCount);
    const counters = sources.cacheCounters();
    if (counters === undefined) return;
    entries.set(counters.entries);
    bytes.set(counters.bytes);
    cache.reset();
    for (const result of ["hits", "misses", "shared", "bypassed"] as const) {
      cache.inc({ result }, counters[result]);
    }
    evictions.reset();
    evictions.inc(counters.evictions);
  }

  return {
    async read() {
      readOwn();
      await Promise.all(
        Object.entries(parts).map(async ([part, figures]) => {
          try {
            await withPatience(figures.read(), PATIENCE_MS);
            failing.set({ part }, 0);
          } catch (error) {
            figures.forget();
            failing.set({ part }, 1);
            logger.warn({ part, reason: messageOf(error) }, "figures cannot be read");
          }
        }),
      );
    },
  };
}
