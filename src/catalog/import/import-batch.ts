import { BATCH_CHARACTERS, BATCH_EVENTS, eventSize } from "../products/catalog-batches.js";
import type { CatalogEvent, CatalogOutcome, CatalogWriteResult, ProductInput } from "../products/catalog-event.type.js";
import type { ResolvedPhotos } from "../products/resolved-photo.type.js";
import type { ImportCounts, ImportProblem } from "./import-catalog.type.js";

/** Rows that are written together, small enough for one transaction. */
export interface ImportBatch {
  readonly products: { readonly line: number; readonly product: ProductInput }[];
  readonly problems: ImportProblem[];
  /** Rows of the feed, good and bad. */
  rows: number;
  characters: number;
}

export function emptyBatch(): ImportBatch {
  return { products: [], problems: [], rows: 0, characters: 0 };
}

export function isFull(batch: ImportBatch): boolean {
  return batch.rows >= BATCH_EVENTS || batch.characters >= BATCH_CHARACTERS;
}

export function addProduct(batch: ImportBatch, line: number, product: ProductInput): void {
  batch.products.push({ line, product });
  batch.rows += 1;
  batch.characters += eventSize({ type: "upsert", product });
}

export function addProblem(batch: ImportBatch, problem: ImportProblem): void {
  batch.problems.push(problem);
  if (problem.kind === "row") batch.rows += 1;
}

export function eventsOf(batch: ImportBatch): CatalogEvent[] {
  return batch.products.map(({ product }) => ({ type: "upsert", product }));
}

/** Photos on disk that were not taken, one problem for each product that shows one. */
export function photoProblems(batch: ImportBatch, photos: ResolvedPhotos): ImportProblem[] {
  const problems: ImportProblem[] = [];
  for (const { line, product } of batch.products) {
    for (const { url } of product.photos) {
      const photo = photos.get(url);
      if (photo?.state !== "failed") continue;
      const { code, message: reason } = photo;
      problems.push({ line, code, reason, externalId: product.externalId, kind: "photo" });
    }
  }
  return problems;
}

export const NO_COUNTS: ImportCounts = { rows: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, failed: 0 };

/** What a batch adds to the counts. */
export function countBatch(batch: ImportBatch, results: readonly CatalogWriteResult[]): ImportCounts {
  const number = (...wanted: CatalogOutcome[]) => results.filter(({ outcome }) => wanted.includes(outcome)).length;
  return {
    rows: batch.rows,
    created: number("created"),
    updated: number("updated"),
    unchanged: number("unchanged", "stale"),
    deleted: number("deleted"),
    failed: batch.problems.filter(({ kind }) => kind === "row").length,
  };
}

export function addCounts(a: ImportCounts, b: ImportCounts): ImportCounts {
  return {
    rows: a.rows + b.rows,
    created: a.created + b.created,
    updated: a.updated + b.updated,
    unchanged: a.unchanged + b.unchanged,
    deleted: a.deleted + b.deleted,
    failed: a.failed + b.failed,
  };
}
