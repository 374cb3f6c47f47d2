import type { Database } from "../../database/database.type.js";
import { codeOf, LookalikeError, messageOf } from "../../errors.js";
import type { EnqueueOptions, Job, JobQueue } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import { FetchFailed } from "../fetching/guarded-fetch.error.js";
import type { GuardedFetcher, Validators } from "../fetching/guarded-fetcher.type.js";
import { describeUrl } from "../fetching/guarded-url.js";
import type { ProductVectors } from "../products/product-vectors.type.js";
import { retryConflicts } from "../products/retry-conflicts.js";
import type { BlobStore } from "./blob-store.type.js";
import {
  findPhotoToFetch,
  keepBlob,
  lockPhotoToFetch,
  markPhotoFailed,
  markPhotoReady,
  type PhotoFailure,
  type PhotoToFetch,
} from "./photo-fetches.repository.js";
import type { PhotoIntake, TakenPhoto } from "./photo-intake.type.js";
import { PhotoUnreadable } from "./photo-unreadable.error.js";

export interface FetchPhotoDependencies {
  readonly database: Pick<Database, "query" | "transaction">;
  readonly queue: Pick<JobQueue, "enqueue">;
  readonly fetcher: Pick<GuardedFetcher, "fetchBytes">;
  readonly intake: Pick<PhotoIntake, "take">;
  readonly blobs: Pick<BlobStore, "has">;
  readonly vectors: ProductVectors;
  readonly logger: Logger;
}

/** A wait that the server asks for is left to the queue's own backoff below this. */
const SHORT_WAIT_SECONDS = 30;
/** A server that keeps asking for time is given up after so many fetches. */
const MOST_ATTEMPTS = 10;

/**
 * Brings one photo of a product into the blob store and asks for its embedding. Idempotent: the photo is read again
 * before and after the fetch, and one that is READY, gone or at another address is left alone.
 * @throws FetchFailed that is worth a retry, after recording it on the photo; every other failure is only recorded
 */
export function createFetchPhoto(
  dependencies: FetchPhotoDependencies,
): (job: Job<"fetch-photo">, signal: AbortSignal) => Promise<void> {
  const { database, queue, vectors, blobs, logger } = dependencies;
  const transaction: Database["transaction"] = (work) => retryConflicts(() => database.transaction(work));

  const store = (job: Job<"fetch-photo">, photo: PhotoToFetch, found: FoundPhoto) =>
    transaction(async (sql) => {
      if (!(await lockPhotoToFetch(sql, photo))) return;
      const blobId = "taken" in found ? await keepBlob(sql, found.taken) : found.blobId;
      await markPhotoReady(sql, photo.imageId, blobId, found.validators);
      await vectors.refresh(sql, [photo.productId]);
      // Content that another product shows already has its vectors: nothing is missing, nothing is enqueued.
      const missing = await vectors.missing(sql, [blobId]);
      await queue.enqueue(
        sql,
        "embed-photo",
        missing.map((pair) => ({ blobId: String(pair.blobId), modelId: pair.modelId })),
        priorityOf(job),
      );
    });

  const recordFailure = async (
    job: Job<"fetch-photo">,
    photo: PhotoToFetch,
    error: unknown,
    keepShowing: boolean,
  ): Promise<void> => {
    const failure = describeFailure(error);
    const wait = error instanceof FetchFailed ? (error.retryAfterSeconds ?? 0) : 0;
    const again = failure.retryable && !keepShowing;
    const later = again && wait > SHORT_WAIT_SECONDS && photo.attempts + 1 < MOST_ATTEMPTS;
    await transaction(async (sql) => {
      if (!(await lockPhotoToFetch(sql, photo))) return;
      await markPhotoFailed(sql, photo, failure, keepShowing);
      if (keepShowing) await vectors.refresh(sql, [photo.productId]);
      // The server's own date takes the place of the queue's backoff, which would knock too early.
      const payload = { startAfterSeconds: wait, ...priorityOf(job) };
      if (later) await queue.enqueue(sql, "fetch-photo", [job.data], payload);
    });
    logger.info(
      { imageId: job.data.imageId, url: describeUrl(photo.url), code: failure.code, retryable: failure.retryable },
      failure.message,
    );
    if (again && !later) throw error;
  };

  return async (job, signal) => {
    const photo = await findPhotoToFetch(database, BigInt(job.data.imageId));
    if (photo === undefined) return;
    // What an earlier fetch brought is of use only while the bytes are really there.
    const held = photo.held !== undefined && (await blobs.has(photo.held.contentHash)) ? photo.held : undefined;
    let found: FoundPhoto;
    try {
      found = await fetchPhoto(photo, held, dependencies, signal);
    } catch (error) {
      // The worker stops: not the photo's fault, and the queue gives the job to another one.
      if (signal.aborted) throw error;
      return recordFailure(job, photo, error, held !== undefined);
    }
    await store(job, photo, found);
  };
}

type FoundPhoto = { readonly validators: Validators } & (
  | { readonly taken: TakenPhoto }
  /** The server says that the content that we hold is still the one. */
  | { readonly blobId: bigint }
);

async function fetchPhoto(
  { url, validators }: PhotoToFetch,
  held: PhotoToFetch["held"],
  { fetcher, intake }: FetchPhotoDependencies,
  signal: AbortSignal,
): Promise<FoundPhoto> {
  const outcome = await fetcher.fetchBytes(url, { signal, ...(held === undefined ? {} : validators) });
  switch (outcome.kind) {
    case "not-modified":
      return { blobId: held!.blobId, validators };
    case "fetched": {
      const taken = await intake.take(outcome.bytes);
      return { taken, validators: { etag: outcome.etag, lastModified: outcome.lastModified } };
    }
  }
}

/** A new product in front of a bulk import stays in front of it on its way through the jobs. */
function priorityOf({ priority }: Job<"fetch-photo">): EnqueueOptions {
  return priority === undefined ? {} : { priority };
}

function describeFailure(error: unknown): PhotoFailure {
  // What nobody foresaw (the blob store is full, say) is not the photo's fault and may pass.
  const retryable = error instanceof FetchFailed || error instanceof PhotoUnreadable ? error.retryable : true;
  const code = codeOf(error);
  return { code, retryable, message: error instanceof LookalikeError ? error.message : `${code}: ${messageOf(error)}` };
}
