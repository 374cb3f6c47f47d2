import type { PgBoss } from "pg-boss";
import type { Database } from "../database/database.type.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import { startBoss } from "./boss.js";
import { type Claims, createClaims } from "./claims.js";
import type { JobMap, JobName } from "./job-map.type.js";
import type { Job, JobConsumer, JobSubscription } from "./job-queue.type.js";
import { sweepLostJobs } from "./lost-jobs.js";

/** How long an idle worker may overlook a new job. One look costs 0.4 ms embedded. */
const LOOK_EVERY_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** How long handlers may go on after `close` before their signal fires. */
const GRACE_MS = 20_000;

type Outcomes = ReadonlyMap<string, Error>;

/** The reading end of the queue, for worker processes. Any number of them may run at once. */
export async function createJobConsumer(
  database: Database,
  logger: Logger,
): Promise<JobConsumer & { close(graceMs?: number): Promise<void> }> {
  const boss = await startBoss(database, logger, true);
  const stopSweeping = sweepLostJobs(database, boss, logger);
  const subscriptions = new Set<Puller>();

  const subscribe = (puller: Puller): Promise<JobSubscription> => {
    subscriptions.add(puller);
    return Promise.resolve(puller);
  };
  return {
    consume(name, { concurrency }, handle) {
      const claims = createClaims(database, boss, name, logger);
      return subscribe(
        startPulling({ boss, name, logger, claims, slots: concurrency, jobsPerSlot: 1 }, async ([job], signal) => {
          await handle(job!, signal);
          return new Map();
        }),
      );
    },
    consumeBatches(name, { batchSize, concurrency }, handle) {
      const claims = createClaims(database, boss, name, logger);
      return subscribe(
        startPulling({ boss, name, logger, claims, slots: concurrency, jobsPerSlot: batchSize }, handle),
      );
    },
    async close(graceMs = GRACE_MS) {
      const stopped = Promise.all([...subscriptions].map((puller) => puller.stop()));
      const impatience = setTimeout(() => {
        for (const puller of subscriptions) puller.abandon(new Error("the worker is shutting down"));
      }, graceMs);
      await stopped;
      clearTimeout(impatience);
      await stopSweeping();
      await boss.stop({ graceful: false, close: false });
    },
  };
}

interface Puller extends JobSubscription {
  /** Asks the handlers under way to stop. */
  abandon(reason: Error): void;
}

interface Pull<Name extends JobName> {
  readonly boss: PgBoss;
  readonly name: Name;
  readonly logger: Logger;
  readonly claims: Claims;
  /** Handlers side by side. */
  readonly slots: number;
  readonly jobsPerSlot: number;
}

/** Keeps every slot busy while there are jobs, and looks for new ones a few times a second while there are none. */
function startPulling<Name extends JobName>(
  { boss, name, logger, claims, slots, jobsPerSlot }: Pull<Name>,
  handle: (jobs: readonly Job<Name>[], signal: AbortSignal) => Promise<Outcomes>,
): Puller {
  const running = new Set<Promise<void>>();
  let stopping = false;
  let wake = (): void => {};

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const start = (jobs: readonly Job<Name>[]): void => {
    const run = runJobs(jobs, claims, handle, logger.child({ job: name })).finally(() => {
      running.delete(run);
      wake();
    });
    running.add(run);
  };

  const pull = async (): Promise<void> => {
    let troubles = 0;
    while (!stopping) {
      if (running.size >= slots) {
        await Promise.race(running);
        continue;
      }
      const wanted = (slots - running.size) * jobsPerSlot;
      try {
        const jobs = await boss.fetch<JobMap[Name]>(name, { batchSize: wanted, includeMetadata: true });
        for (let from = 0; from < jobs.length; from += jobsPerSlot) start(jobs.slice(from, from + jobsPerSlot));
        troubles = 0;
        if (jobs.length < wanted) await pause(LOOK_EVERY_MS);
      } catch (error) {
        // A server that restarts: go on looking, less and less often.
        troubles += 1;
        logger.warn({ job: name, reason: messageOf(error) }, "jobs could not be taken");
        await pause(Math.min(LONGEST_PAUSE_MS, LOOK_EVERY_MS * 2 ** troubles));
      }
    }
    await Promise.all(running);
    claims.close();
  };

  const pulled = pull();
  return {
    stop() {
      stopping = true;
      wake();
      return pulled;
    },
    abandon: (reason) => claims.abandon(reason),
  };
}

async function runJobs<Name extends JobName>(
  jobs: readonly Job<Name>[],
  claims: Claims,
  handle: (jobs: readonly Job<Name>[], signal: AbortSignal) => Promise<Outcomes>,
  logger: Logger,
): Promise<void> {
  const signal = AbortSignal.any(jobs.map(({ id, retryCount }) => claims.claim({ id, retryCount })));
  const failures = await handle(jobs, signal).catch((error: unknown) => {
    const failure = error instanceof Error ? error : new Error(String(error));
    return new Map(jobs.map(({ id }) => [id, failure]));
  });
  for (const [id, failure] of failures) logger.warn({ id, reason: failure.message }, "a job failed");
  await Promise.all(
    jobs.map(({ id, retryCount }) => {
      const failure = failures.get(id);
      return claims.settle({ id, retryCount }, failure ? { failure } : "done");
    }),
  );
}
