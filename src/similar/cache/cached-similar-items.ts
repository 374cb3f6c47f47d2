import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Revision, Revisions } from "../revisions.js";
import type { RuleBooks } from "../rules/rule-books.js";
import type { SimilarItems, SimilarItemsPage, SimilarItemsRequest } from "../similar-items.type.js";

export interface CachedSimilarItemsDependencies {
  readonly similar: SimilarItems;
  readonly revisions: Pick<Revisions, "current">;
  readonly books: RuleBooks;
  /** Bound of the memory that answers take, as far as it can be told from here. */
  readonly maxBytes: number;
  readonly clock?: () => Date;
}

/** Since the start of the process. */
export interface CacheCounters {
  readonly hits: number;
  readonly misses: number;
  /** Of the misses: those that waited for an equal one that was under way. */
  readonly shared: number;
  /** Answers that are never remembered: to administrators and to pictures. */
  readonly bypassed: number;
  readonly evictions: number;
  readonly entries: number;
  readonly bytes: number;
}

export interface CachedSimilarItems extends SimilarItems {
  counters(): CacheCounters;
}

interface Remembered {
  readonly page: SimilarItemsPage;
  readonly stamp: string;
}

type Answer = SimilarItemsPage | undefined;

/** What answers rest on when a question comes. */
interface Moment {
  readonly revision: Revision;
  /** Equal for two moments between which nothing changed that an answer of this model rests on. */
  stampOf(modelId: number): string;
}

const MOST_ENTRIES = 100_000;
/** For what no revision tells of: how sought-after products are, and how scores are read. */
const TTL_MS = 60_000;
/** Measured on the heap, beside cursors and keys: 5.0 kB a page of 12 items in all. */
const BYTES_OF_ITEM = 320;
const BYTES_OF_ENTRY = 300;

/**
 * `SimilarItems` that remembers its answers to shoppers for as long as the rules, the products and the vectors that they
 * rest on stay as they are. Equal questions at once are one search. What is not ready yet is not remembered.
 */
export function createCachedSimilarItems({
  similar,
  revisions,
  books,
  maxBytes,
  clock = () => new Date(),
}: CachedSimilarItemsDependencies): CachedSimilarItems {
  const counts = { hits: 0, misses: 0, shared: 0, bypassed: 0, evictions: 0 };
  const pages = new LRUCache<string, Remembered>({
    max: MOST_ENTRIES,
    maxSize: maxBytes,
    ttl: TTL_MS,
    sizeCalculation: ({ page, stamp }, key) => sizeOf(page) + 2 * (stamp.length + key.length),
    disposeAfter: (_, __, reason) => {
      if (reason === "evict") counts.evictions++;
    },
  });
  /** Searches under way. Only who saw the same revision may wait for one: it may have begun before the latest write. */
  const underWay = new Map<string, { readonly revision: Revision; readonly answer: Promise<Answer> }>();

  async function look(): Promise<Moment> {
    const [revision, book] = [await revisions.current(), await books.current()];
    const rules = book.stampAt(clock());
    return { revision, stampOf: (modelId) => stampOf(revision, rules, modelId) };
  }

  function recall(key: string, moment: Moment): Answer {
    const known = pages.get(key);
    if (known === undefined || known.stamp !== moment.stampOf(known.page.modelId)) return undefined;
    counts.hits++;
    return known.page;
  }

  function runningFor(key: string, { revision }: Moment): Promise<Answer> | undefined {
    const running = underWay.get(key);
    return running?.revision === revision ? running.answer : undefined;
  }

  function search(key: string, moment: Moment, ask: () => Promise<Answer>): Promise<Answer> {
    counts.misses++;
    const running = runningFor(key, moment);
    if (running !== undefined) {
      counts.shared++;
      return running;
    }
    const answer = ask()
      .then((page) => {
        if (page?.status === "READY") pages.set(key, { page, stamp: moment.stampOf(page.modelId) });
        return page;
      })
      .finally(() => {
        if (underWay.get(key)?.answer === answer) underWay.delete(key);
      });
    underWay.set(key, { revision: moment.revision, answer });
    return answer;
  }

  async function remembering(key: string, ask: () => Promise<SimilarItemsPage>): Promise<SimilarItemsPage> {
    const moment = await look();
    return recall(key, moment) ?? (await search(key, moment, ask))!;
  }

  const isBypassed = ({ publishedOnly }: SimilarItemsRequest): boolean => {
    if (publishedOnly === true) return false;
    counts.bypassed++;
    return true;
  };

  return {
    toProduct(product, request) {
      if (isBypassed(request)) return similar.toProduct(product, request);
      return remembering(keyOf(product, request), () => similar.toProduct(product, request));
    },

    async toProducts(productIds, request) {
      if (isBypassed(request)) return similar.toProducts(productIds, request);
      const moment = await look();
      const keys = new Map([...new Set(productIds)].map((id) => [id, keyOf({ id }, request)]));
      const recalled = new Map([...keys].map(([id, key]) => [id, recall(key, moment)]));
      // One search for all that nobody is asking for already.
      const lacking = [...keys].flatMap(([id, key]) =>
        recalled.get(id) === undefined && runningFor(key, moment) === undefined ? id : [],
      );
      let together: Promise<Map<bigint, SimilarItemsPage>> | undefined;
      const ask = async (id: bigint): Promise<Answer> => {
        together ??= similar.toProducts(lacking, request);
        return (await together).get(id);
      };
      const pages = new Map<bigint, SimilarItemsPage>();
      await Promise.all(
        [...recalled].map(async ([id, page]) => {
          const found = page ?? (await search(keys.get(id)!, moment, () => ask(id)));
          if (found !== undefined) pages.set(id, found);
        }),
      );
      return pages;
    },

    toSeveral(several, request) {
      if (isBypassed(request)) return similar.toSeveral(several, request);
      return remembering(keyOf(several, request), () => similar.toSeveral(several, request));
    },

    // A picture is rarely sent twice, and what takes time is to embed it.
    toPicture(picture, request) {
      counts.bypassed++;
      return similar.toPicture(picture, request);
    },

    counters: () => ({ ...counts, entries: pages.size, bytes: pages.calculatedSize }),
  };
}

function stampOf({ activeModelId, products, vectors }: Revision, rules: string, modelId: number): string {
  return `${activeModelId} ${products} ${vectors(modelId)} ${vectors(activeModelId ?? 0)} ${rules}`;
}

/**
 * The question word by word. Equal filters in another order are two questions, because a cursor holds for the order that
 * it was made with. Hashed, because a filter may list hundreds of values.
 */
function keyOf(asked: unknown, request: SimilarItemsRequest): string {
  const text = JSON.stringify([asked, request], (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return createHash("sha256").update(text).digest("base64url");
}

function sizeOf({ items, seeds }: SimilarItemsPage): number {
  const cursors = items.reduce((sum, { cursor }) => sum + cursor.length, 0);
  return BYTES_OF_ENTRY + items.length * BYTES_OF_ITEM + cursors + 32 * (seeds?.length ?? 0);
}
