import type { Sql } from "../database/database.type.js";
import type { JobMap, JobName } from "./job-map.type.js";

export interface Job<Name extends JobName> {
  readonly id: string;
  readonly data: JobMap[Name];
  /** 0 on the first attempt. */
  readonly retryCount: number;
  /** Of this job; what it enqueues for the same purpose should have the same. */
  readonly priority?: number;
}

export interface EnqueueOptions {
  /** Seconds until the job may start. */
  readonly startAfterSeconds?: number;
  /** Higher first; 0 is the default. A single new product (10) overtakes a bulk import (0). */
  readonly priority?: number;
}

/** The writing end of the queue. Jobs become visible when the transaction behind `sql` commits. */
export interface JobQueue {
  /**
   * A job whose payload equals that of one still waiting is not added twice.
   */
  enqueue<Name extends JobName>(
    sql: Sql,
    name: Name,
    payloads: readonly JobMap[Name][],
    options?: EnqueueOptions,
  ): Promise<void>;
  /** Jobs waiting, running, waiting for a retry, and given up, by name. */
  counts(): Promise<Record<JobName, { waiting: number; active: number; retrying: number; failed: number }>>;
}

/** A job whose last attempt failed. */
export interface FailedJob<Name extends JobName> {
  readonly id: string;
  readonly data: JobMap[Name];
  readonly reason: string;
  readonly failedAt: Date;
}

/** The jobs that were given up; they are kept for 30 days. */
export interface FailedJobs {
  /** Newest first; 100 if no limit is given. */
  failed<Name extends JobName>(name: Name, limit?: number): Promise<FailedJob<Name>[]>;
  /** Gives these jobs, or all of this name, their attempts back. Returns how many there were. */
  retryFailed(name: JobName, ids?: readonly string[]): Promise<number>;
}

export interface JobSubscription {
  /** Stops taking jobs and waits for those under way. */
  stop(): Promise<void>;
}

/** The reading end. Jobs of a worker that was killed come back within about 30 seconds. */
export interface JobConsumer {
  /** Runs `handle` for one job at a time, `concurrency` of them side by side. A throw means retry with backoff. */
  consume<Name extends JobName>(
    name: Name,
    options: { readonly concurrency: number },
    handle: (job: Job<Name>, signal: AbortSignal) => Promise<void>,
  ): Promise<JobSubscription>;
  /**
   * Gives up to `batchSize` jobs at once, with up to `concurrency` batches under way, so that the next batch can be
   * prepared while this one computes. The handler returns what became of each job, by id; jobs it does not name are
   * complete. A throw retries the whole batch.
   */
  consumeBatches<Name extends JobName>(
    name: Name,
    options: { readonly batchSize: number; readonly concurrency: number },
    handle: (jobs: readonly Job<Name>[], signal: AbortSignal) => Promise<ReadonlyMap<string, Error>>,
  ): Promise<JobSubscription>;
}
