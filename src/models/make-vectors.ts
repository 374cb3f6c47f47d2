import { setTimeout as delay } from "node:timers/promises";
import pLimit from "p-limit";
import type { BlobStore } from "../catalog/photos/blob-store.type.js";
import { retryConflicts } from "../catalog/products/retry-conflicts.js";
import type { Database } from "../database/database.type.js";
import type { Embedders } from "../embedding/embedder.type.js";
import { type ContentFailure, isContentFailure, markUnreadable } from "../embedding/photo-failures.js";
import { messageOf } from "../errors.js";
import type { PhotoContent, Vectors } from "../vectors/vectors.type.js";

export interface MakeVectorsDependencies {
  readonly database: Database;
  readonly blobs: Pick<BlobStore, "read">;
  readonly embedders: Embedders;
  readonly vectors: Pick<Vectors, "lackingPage" | "writePhotosInBulk" | "refreshStale" | "refresh">;
}

/**
 * How much is done at once, and how long the database is left alone after it, as a share of the time it took. The
 * embedded database has one session: what asks for similar items waits for every statement here
 * (docs/decisions/172-refresh-gives-way.md).
 */
export const PACES = {
  postgres: {
    contents: 4096,
    photos: 256,
    gathered: 8192,
    rows: 8192,
    restOfPhotos: 0,
    products: 500,
    restOfProducts: 0.5,
  },
  embedded: { contents: 256, photos: 64, gathered: 64, rows: 16, restOfPhotos: 1, products: 50, restOfProducts: 1 },
} as const;
/** Vectors wait for each other no longer than this: a killed worker loses no more. */
const GATHER_MS = 2000;
/** Photos read from the blob store at once. */
const READS = 16;

/** Called after every few hundred photos; it throws to stop the work. What was made stays. */
export type NoteMade = (made: number) => Promise<void>;

/**
 * Embeds every content that lacks a vector of the model, in order of their ids, and writes the vectors in bulk. A part
 * is written while the next one is embedded.
 * @returns why some photos could not be read for a reason that may pass, if so
 */
export async function embedLacking(
  dependencies: MakeVectorsDependencies,
  modelId: number,
  note: NoteMade,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { database, vectors } = dependencies;
  const pace = PACES[database.kind];
  let reason: string | undefined;
  let gathered = emptyPart();
  let writing: Promise<void> = Promise.resolve();
  let writtenAt = performance.now();
  const pageAfter = (after: bigint): Promise<LackingPage> => {
    const page = vectors.lackingPage(database, modelId, after, pace.contents);
    page.catch(() => undefined);
    return page;
  };
  const write = async (): Promise<void> => {
    await writing;
    writing = writePart(dependencies, modelId, gathered);
    // Whoever awaits it sees the failure; until then it must not end the process.
    writing.catch(() => undefined);
    gathered = emptyPart();
    writtenAt = performance.now();
  };
  try {
    let next: Promise<LackingPage> | undefined = pageAfter(0n);
    while (next !== undefined) {
      const { contents, last }: LackingPage = await next;
      // Looked up while this one is embedded.
      next = last === undefined ? undefined : pageAfter(last);
      for (let at = 0; at < contents.length; at += pace.photos) {
        const part = await embedPart(dependencies, modelId, contents.slice(at, at + pace.photos), signal);
        reason ??= part.failures[0];
        gathered.vectors.push(...part.vectors);
        gathered.unreadable.push(...part.unreadable);
        if (gathered.vectors.length >= pace.gathered || performance.now() - writtenAt > GATHER_MS) await write();
        await note(part.vectors.length + part.unreadable.length);
      }
    }
  } finally {
    await write();
    await writing;
  }
  return reason;
}

type LackingPage = Awaited<ReturnType<Vectors["lackingPage"]>>;

/** Makes every product's row of the model true. */
export async function refreshProducts(
  { database, vectors }: MakeVectorsDependencies,
  modelId: number,
  note: NoteMade,
  signal: AbortSignal,
): Promise<void> {
  const pace = PACES[database.kind];
  let after: bigint | undefined = 0n;
  while (after !== undefined) {
    const from: bigint = after;
    const startedAt = performance.now();
    const page = await retryConflicts(() =>
      database.transaction((sql) => vectors.refreshStale(sql, modelId, from, pace.products)),
    );
    after = page.last;
    await note(0);
    if (page.refreshed > 0) await delay((performance.now() - startedAt) * pace.restOfProducts, undefined, { signal });
  }
}

interface Part {
  readonly vectors: { readonly blobId: bigint; readonly vector: Float32Array }[];
  readonly unreadable: { readonly blobId: bigint; readonly failure: ContentFailure }[];
  /** Reasons that may pass. */
  readonly failures: string[];
}

const emptyPart = (): Part => ({ vectors: [], unreadable: [], failures: [] });

async function embedPart(
  { blobs, embedders }: MakeVectorsDependencies,
  modelId: number,
  contents: readonly PhotoContent[],
  signal: AbortSignal,
): Promise<Part> {
  const part = emptyPart();
  const fail = (blobId: bigint, error: unknown): void => {
    if (isContentFailure(error)) part.unreadable.push({ blobId, failure: error });
    else part.failures.push(messageOf(error));
  };
  const limit = pLimit(READS);
  const photos: { blobId: bigint; bytes: Buffer }[] = [];
  await Promise.all(
    contents.map(({ blobId, contentHash }) =>
      limit(async () => {
        try {
          photos.push({ blobId, bytes: await blobs.read(contentHash) });
        } catch (error) {
          fail(blobId, error);
        }
      }),
    ),
  );
  if (photos.length === 0) return part;
  const embedder = await embedders.forModel(modelId);
  const results = await embedder.embed(
    photos.map(({ bytes }) => bytes),
    signal,
  );
  for (const [at, { blobId }] of photos.entries()) {
    const vector = results[at]!;
    if (vector instanceof Float32Array) part.vectors.push({ blobId, vector });
    else fail(blobId, vector);
  }
  return part;
}

async function writePart({ database, vectors }: MakeVectorsDependencies, modelId: number, part: Part): Promise<void> {
  const { rows, restOfPhotos } = PACES[database.kind];
  for (let at = 0; at < part.vectors.length; at += rows) {
    const startedAt = performance.now();
    await vectors.writePhotosInBulk(modelId, part.vectors.slice(at, at + rows));
    await delay((performance.now() - startedAt) * restOfPhotos);
  }
  if (part.unreadable.length > 0) {
    await retryConflicts(() => database.transaction((sql) => markUnreadable(sql, vectors, part.unreadable)));
  }
}
