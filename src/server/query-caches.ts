import type { DocumentNode } from "graphql";
import { LRUCache } from "lru-cache";

/** What Apollo Server wants of a cache. */
interface Cache<V> {
  get(key: string): Promise<V | undefined>;
  set(key: string, value: V): Promise<void>;
  delete(key: string): Promise<boolean>;
}

/** A storefront sends a few dozen different queries. */
const DOCUMENTS = 500;
/** Of the texts of those documents; parsed, each character takes some 80 bytes. */
const DOCUMENT_CHARACTERS = 256 * 1024;
const TEXT_CHARACTERS = 4 * 1024 * 1024;

/**
 * Parsed and validated documents, by hash. Apollo Server's own store is bounded by what the documents are as JSON, which
 * is a small part of what they take: 30,000 random documents held 100 MiB (docs/decisions/217).
 */
export function createDocumentStore(): Cache<DocumentNode> {
  return asynchronous(
    new LRUCache<string, DocumentNode>({
      max: DOCUMENTS,
      maxSize: DOCUMENT_CHARACTERS,
      sizeCalculation: ({ loc }) => 1 + (loc?.source.body.length ?? 0),
    }),
  );
}

/** Texts that clients registered by hash. */
export function createQueryTexts(): Cache<string> {
  return asynchronous(
    new LRUCache<string, string>({ maxSize: TEXT_CHARACTERS, sizeCalculation: (text) => 1 + text.length }),
  );
}

function asynchronous<V extends object | string>(cache: LRUCache<string, V>): Cache<V> {
  return {
    get: async (key) => cache.get(key),
    set: async (key, value) => void cache.set(key, value),
    delete: async (key) => cache.delete(key),
  };
}
