import type { BlobStore } from "../catalog/photos/blob-store.type.js";
import type { Database, Sql } from "../database/database.type.js";
import type { Job } from "../jobs/job-queue.type.js";
import type { Logger } from "../logger.js";
import type { ModelVersions } from "../models/model-version.type.js";
import type { Vectors } from "../vectors/vectors.type.js";
import type { Embedders } from "./embedder.type.js";
import { type ContentFailure, isContentFailure, markUnreadable } from "./photo-failures.js";

/**
 * How the worker takes embed-photo jobs: a batch is one transaction, and while one batch is written another keeps the
 * lanes busy (docs/decisions/060-embedding-throughput.md).
 */
export const EMBED_PHOTOS_BATCHES = { batchSize: 64, concurrency: 3 } as const;

export interface EmbedPhotosDependencies {
  readonly database: Database;
  readonly blobs: Pick<BlobStore, "read">;
  readonly embedders: Embedders;
  readonly models: Pick<ModelVersions, "live">;
  readonly vectors: Pick<Vectors, "missing" | "writePhotos" | "refresh" | "refreshShowing">;
  readonly logger: Logger;
}

type EmbedJob = Job<"embed-photo">;

interface Content {
  readonly blobId: bigint;
  readonly contentHash: string;
}

interface Embedded extends Content {
  readonly vector: Float32Array | ContentFailure;
}

/**
 * Embeds a batch of photos and makes the vectors of the products that show them true, in one transaction a model
 * version. Idempotent: photos that nobody shows any more, that have their vector already, or whose model version is
 * no longer live are passed over, and looked at again in the transaction that writes. A photo that cannot be decoded
 * or that the store has lost is recorded on every product that shows it and not tried again; the others of the batch go
 * on.
 * @returns handler for `JobConsumer.consumeBatches`: the jobs that must be tried again, by id
 */
export function createEmbedPhotos(dependencies: EmbedPhotosDependencies) {
  return async (jobs: readonly EmbedJob[], signal: AbortSignal): Promise<ReadonlyMap<string, Error>> => {
    const failures = new Map<string, Error>();
    const byModel = new Map<number, EmbedJob[]>();
    for (const job of jobs) byModel.set(job.data.modelId, [...(byModel.get(job.data.modelId) ?? []), job]);
    for (const [modelId, group] of byModel) {
      try {
        const failed = await embedForModel(dependencies, modelId, group, signal);
        for (const { id, data } of group) {
          const failure = failed.get(data.blobId);
          if (failure !== undefined) failures.set(id, failure);
        }
      } catch (error) {
        signal.throwIfAborted();
        // Of this model only: another model's photos must not wait because one encoder is missing.
        const failure = error instanceof Error ? error : new Error(String(error));
        for (const { id } of group) failures.set(id, failure);
      }
    }
    return failures;
  };
}

async function embedForModel(
  dependencies: EmbedPhotosDependencies,
  modelId: number,
  jobs: readonly EmbedJob[],
  signal: AbortSignal,
): Promise<Map<string, Error>> {
  const { database, blobs, embedders } = dependencies;
  const failed = new Map<string, Error>();
  const { wanted, present } = await plan(dependencies, modelId, [
    ...new Set(jobs.map(({ data }) => BigInt(data.blobId))),
  ]);
  if (wanted.length === 0 && present.length === 0) return failed;

  const photos: (Content & { bytes: Buffer })[] = [];
  const embedded: Embedded[] = [];
  await Promise.all(
    wanted.map(async (content) => {
      try {
        photos.push({ ...content, bytes: await blobs.read(content.contentHash) });
      } catch (error) {
        if (isContentFailure(error)) embedded.push({ ...content, vector: error });
        else failed.set(content.blobId.toString(), error instanceof Error ? error : new Error(String(error)));
      }
    }),
  );
  if (photos.length > 0) {
    const embedder = await embedders.forModel(modelId);
    const vectors = await embedder.embed(
      photos.map(({ bytes }) => bytes),
      signal,
    );
    photos.forEach(({ blobId, contentHash }, index) => {
      const vector = vectors[index]!;
      if (vector instanceof Float32Array || isContentFailure(vector)) {
        embedded.push({ blobId, contentHash, vector });
      } else failed.set(blobId.toString(), vector);
    });
  }
  signal.throwIfAborted();
  await database.transaction((sql) => store(dependencies, sql, modelId, embedded, present));
  return failed;
}

/** What is worth doing: contents that a product shows and that lack their vector, and those that have it already. */
async function plan(
  { database, vectors }: EmbedPhotosDependencies,
  modelId: number,
  blobIds: readonly bigint[],
): Promise<{ wanted: Content[]; present: bigint[] }> {
  const shown = await database.query<Content>(
    `SELECT b.id AS "blobId", b.content_hash AS "contentHash" FROM image_blob b
     WHERE b.id = ANY($1::bigint[]) AND EXISTS (
       SELECT 1 FROM product_image i JOIN product p ON p.id = i.product_id AND p.deleted_at IS NULL
       WHERE i.blob_id = b.id AND i.state = 'READY')`,
    [blobIds],
    { name: "embed-photos-shown" },
  );
  const missing = new Set(
    (
      await vectors.missing(
        database,
        shown.map(({ blobId }) => blobId),
      )
    )
      .filter((pair) => pair.modelId === modelId)
      .map(({ blobId }) => blobId),
  );
  return {
    wanted: shown.filter(({ blobId }) => missing.has(blobId)),
    present: shown.map(({ blobId }) => blobId).filter((blobId) => !missing.has(blobId)),
  };
}

async function store(
  { models, vectors, logger }: EmbedPhotosDependencies,
  sql: Sql,
  modelId: number,
  embedded: readonly Embedded[],
  present: readonly bigint[],
): Promise<void> {
  const live = (await models.live(sql)).some(({ id }) => id === modelId);
  if (!live) {
    logger.info({ model: modelId, photos: embedded.length }, "vectors thrown away: their model is no longer live");
    return;
  }
  const kept = await lockContents(sql, embedded);
  const rows = kept.flatMap(({ blobId, vector }) => (vector instanceof Float32Array ? [{ blobId, vector }] : []));
  const unreadable = kept.flatMap(({ blobId, vector }) =>
    vector instanceof Float32Array ? [] : [{ blobId, failure: vector }],
  );
  if (rows.length > 0) await vectors.writePhotos(sql, modelId, rows);
  // Those that had their vector are refreshed too: a product that began to show the photo while another transaction
  // was writing that vector saw none, and was not seen by it.
  await vectors.refreshShowing(sql, modelId, [...rows.map(({ blobId }) => blobId), ...present]);
  if (unreadable.length > 0) await markUnreadable(sql, vectors, unreadable);
}

/** Contents that still are there, held so until the transaction ends. */
async function lockContents(sql: Sql, embedded: readonly Embedded[]): Promise<Embedded[]> {
  if (embedded.length === 0) return [];
  const rows = await sql.query<{ id: bigint }>(
    "SELECT id FROM image_blob WHERE id = ANY($1::bigint[]) ORDER BY id FOR KEY SHARE",
    [embedded.map(({ blobId }) => blobId)],
  );
  const there = new Set(rows.map(({ id }) => id));
  return embedded.filter(({ blobId }) => there.has(blobId));
}
