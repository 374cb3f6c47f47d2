import type { QueueOptions } from "pg-boss";
import type { JobName } from "./job-map.type.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A worker that says nothing about a job for so long is taken for dead. pg-boss allows no less than 10. */
export const HEARTBEAT_SECONDS = 15;

const everyQueue: QueueOptions = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retryBackoff: true,
  // Together with the heartbeat and the sweep (claims.ts) a killed worker's job starts again within 26 s.
  retryDelay: 3,
  // A job that nobody has taken yet must not vanish because the worker was off for a while.
  retentionSeconds: 365 * DAY,
  // Only jobs that were given up are kept so long; those that succeed are deleted at once.
  deleteAfterSeconds: 30 * DAY,
};

/** How long each job may run, and how often it is tried. */
export const queueOptions: Record<JobName, QueueOptions> = {
  "import-catalog": { ...everyQueue, expireInSeconds: 24 * HOUR, retryLimit: 5, retryDelayMax: 10 * MINUTE },
  "fetch-photo": { ...everyQueue, expireInSeconds: 10 * MINUTE, retryLimit: 8, retryDelayMax: HOUR },
  "embed-photo": { ...everyQueue, expireInSeconds: HOUR, retryLimit: 5, retryDelayMax: 10 * MINUTE },
  "train-model": { ...everyQueue, expireInSeconds: DAY, retryLimit: 5, retryDelayMax: MINUTE },
  "refresh-model": { ...everyQueue, expireInSeconds: DAY, retryLimit: 20, retryDelayMax: 10 * MINUTE },
};

export const jobNames = Object.keys(queueOptions) as JobName[];
