import type { Database, Sql } from "../../database/database.type.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import { assertEvent, type KeyedEvent, keyOf, toBatches, toEntry, toRounds } from "./catalog-batches.js";
import { type CatalogWrite, decide, type KnownProduct } from "./catalog-decision.js";
import type { CatalogEvent, CatalogWriteOptions, CatalogWriteResult, CatalogWriter } from "./catalog-event.type.js";
import { type WantedPhotos, writeImages } from "./image-rows.js";
import {
  buryProducts,
  insertProducts,
  readProductStates,
  tombstoneProducts,
  touchProducts,
  updateProducts,
} from "./product-rows.js";
import type { ProductVectors } from "./product-vectors.type.js";
import { retryConflicts } from "./retry-conflicts.js";

export interface CatalogWriterDependencies {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly vectors: ProductVectors;
  readonly logger: Logger;
}

interface DecidedEvent extends KeyedEvent {
  readonly write: CatalogWrite;
  readonly known: KnownProduct | undefined;
}

/** @see CatalogWriter */
export function createCatalogWriter({ database, queue, vectors, logger }: CatalogWriterDependencies): CatalogWriter {
  async function applyWithin(
    sql: Sql,
    events: readonly CatalogEvent[],
    options: CatalogWriteOptions = {},
  ): Promise<CatalogWriteResult[]> {
    const results: CatalogWriteResult[] = [];
    for (const round of toRounds(events)) await applyRound(sql, round, options, results);
    return results;
  }

  async function applyRound(
    sql: Sql,
    round: readonly KeyedEvent[],
    { photos, priority }: CatalogWriteOptions,
    results: CatalogWriteResult[],
  ): Promise<void> {
    const decideAll = async (entries: readonly KeyedEvent[], lock: boolean): Promise<DecidedEvent[]> => {
      const states = await readStates(sql, entries, lock);
      return entries.flatMap((entry) => {
        const known = states.get(keyOf(entry));
        const { write, outcome } = decide(entry.event, known, photos);
        results[entry.place] = { externalId: entry.externalId, outcome, ...productId(known) };
        return write.kind === "nothing" ? [] : [{ ...entry, write, known }];
      });
    };
    // First without locks, which are writes too: a feed that is imported again then really writes nothing.
    const changed = await decideAll(round, false);
    const existing = changed.filter(({ known }) => known);
    const decided = changed.filter(({ known }) => !known);
    if (existing.length > 0) decided.push(...(await decideAll(existing, true)));
    if (decided.length === 0) return;
    const { touched, wanted } = await writeProducts(sql, decided, results);
    if (touched.length === 0) return;
    const work = wanted.length > 0 ? await writeImages(sql, wanted, photos) : { fetch: [], embed: [] };
    const jobOptions = priority === undefined ? {} : { priority };
    if (work.fetch.length > 0) {
      const payloads = work.fetch.map((id) => ({ imageId: id.toString() }));
      await queue.enqueue(sql, "fetch-photo", payloads, jobOptions);
    }
    await vectors.refresh(sql, touched);
    if (work.embed.length > 0) {
      const missing = await vectors.missing(sql, work.embed);
      const payloads = missing.map(({ blobId, modelId }) => ({ blobId: blobId.toString(), modelId }));
      if (payloads.length > 0) await queue.enqueue(sql, "embed-photo", payloads, jobOptions);
    }
  }

  return {
    applyWithin,
    async apply(events, options) {
      // All of them first: a product that cannot be stored must not leave half of the events behind.
      for (const event of events) assertEvent(event);
      const results: CatalogWriteResult[] = [];
      for (const batch of toBatches(events)) {
        const written = await retryConflicts(() => database.transaction((sql) => applyWithin(sql, batch, options)));
        results.push(...written);
      }
      logger.debug({ events: events.length, outcomes: countOutcomes(results) }, "catalog events applied");
      return results;
    },
    async preview(events, options) {
      const results: CatalogWriteResult[] = [];
      for (const batch of toBatches(events)) {
        const entries = batch.map((event, place) => toEntry(event, place));
        const states = await readStates(database, entries, false);
        for (const entry of entries) {
          const known = states.get(keyOf(entry));
          const { outcome, after } = decide(entry.event, known, options?.photos);
          if (after) states.set(keyOf(entry), after);
          results.push({ externalId: entry.externalId, outcome, ...productId(known) });
        }
      }
      return results;
    },
  };
}

/** Writes the product rows; `touched` are those whose vectors have to follow, `wanted` those whose photos may. */
async function writeProducts(
  sql: Sql,
  decided: readonly DecidedEvent[],
  results: CatalogWriteResult[],
): Promise<{ touched: bigint[]; wanted: WantedPhotos[] }> {
  const touched: bigint[] = [];
  const wanted: WantedPhotos[] = [];
  const inserts: (DecidedEvent & { readonly write: { readonly kind: "insert" } })[] = [];
  const updates: Parameters<typeof updateProducts>[1][number][] = [];
  const touches: { id: bigint; at: Date }[] = [];
  const deletes: { id: bigint; at: Date | undefined }[] = [];
  const burials: Parameters<typeof buryProducts>[1][number][] = [];
  for (const entry of decided) {
    const { write, source, externalId } = entry;
    const id = entry.known?.id;
    if (write.kind === "insert") inserts.push({ ...entry, write });
    else if (write.kind === "bury") burials.push({ source, externalId, at: write.at });
    else if (id === undefined) continue;
    else if (write.kind === "touch") touches.push({ id, at: write.at });
    else if (write.kind === "delete") deletes.push({ id, at: write.at });
    else if (write.kind === "update") {
      updates.push({ id, product: write.product, digest: write.digest });
      const urls = write.product.photos.map(({ url }) => url);
      wanted.push({ productId: id, urls, created: false, revived: write.revived });
    }
  }
  const insertedIds = await insertProducts(
    sql,
    inserts.map(({ write }) => write),
  );
  for (const [index, productId] of insertedIds.entries()) {
    const entry = inserts[index]!;
    results[entry.place] = { ...results[entry.place]!, productId };
    wanted.push({ productId, urls: entry.write.product.photos.map(({ url }) => url), created: true, revived: false });
    touched.push(productId);
  }
  await buryProducts(sql, burials);
  await updateProducts(sql, updates);
  await touchProducts(sql, touches);
  await tombstoneProducts(sql, deletes);
  touched.push(...updates.map(({ id }) => id), ...deletes.map(({ id }) => id));
  return { touched: touched.sort((a, b) => (a < b ? -1 : 1)), wanted };
}

async function readStates(sql: Sql, entries: readonly KeyedEvent[], lock: boolean): Promise<Map<string, KnownProduct>> {
  const states = await readProductStates(sql, entries, lock);
  return new Map(states.map((state) => [keyOf(state), state]));
}

function productId(known: KnownProduct | undefined): { productId?: bigint } {
  return known?.id === undefined ? {} : { productId: known.id };
}

function countOutcomes(results: readonly CatalogWriteResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
