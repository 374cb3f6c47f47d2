import type { Sql } from "../../database/database.type.js";
import type { ResolvedPhotos } from "./resolved-photo.type.js";

export type ProductStatus = "ACTIVE" | "DRAFT" | "ARCHIVED";
export type Split = "TRAIN" | "VALIDATION" | "TEST";

/** An amount in the currency's smallest unit (cents for EUR, yen for JPY). */
export interface Money {
  readonly minor: bigint;
  /** ISO 4217. */
  readonly currency: string;
}

export interface PhotoInput {
  /** `http(s)://…`, or `file:///…` for a photo that a local import may read. */
  readonly url: string;
}

/** A product as a source tells it, normalised: what every reader, connector and mutation produces. */
export interface ProductInput {
  /** Name of the source that owns it: a shop, a feed. Unique together with `externalId`. */
  readonly source: string;
  readonly externalId: string;
  readonly groupKey?: string;
  readonly title: string;
  readonly description?: string;
  readonly handle?: string;
  readonly url?: string;
  readonly brand?: string;
  /** Outermost first; empty when unknown. */
  readonly categoryPath: readonly string[];
  readonly price?: Money;
  readonly inStock: boolean;
  /** Free attributes such as color, size, material; several values each. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly status: ProductStatus;
  readonly split?: Split;
  /** In the order shown; the first is the main photo. */
  readonly photos: readonly PhotoInput[];
  /** When the source last changed it. Newest wins; without one, the event counts as newest. */
  readonly sourceUpdatedAt?: Date;
}

export type CatalogEvent =
  | { readonly type: "upsert"; readonly product: ProductInput }
  | { readonly type: "delete"; readonly source: string; readonly externalId: string; readonly sourceUpdatedAt?: Date };

/** What became of an event. `stale`: something newer was already there. */
export type CatalogOutcome = "created" | "updated" | "unchanged" | "stale" | "deleted" | "absent";

export interface CatalogWriteResult {
  readonly externalId: string;
  readonly outcome: CatalogOutcome;
  /** Absent for a product that never existed. */
  readonly productId?: bigint;
}

export interface CatalogWriteOptions {
  /** That of the jobs. */
  readonly priority?: number;
  /** Photos of a local import, whose bytes are stored already. */
  readonly photos?: ResolvedPhotos;
}

/** The only way into the catalog tables. */
export interface CatalogWriter {
  /**
   * Applies events of any sources in order, together with the jobs that they need: photos to fetch, photos to embed,
   * filter columns beside the vectors. Equal input writes nothing. Up to 500 events are one transaction; more are
   * split, and what earlier transactions wrote stays when a later one fails (sending the same again is harmless).
   * @throws BadUserInput when a product breaks the rules of product-rules.ts; nothing is written then
   */
  apply(events: readonly CatalogEvent[], options?: CatalogWriteOptions): Promise<CatalogWriteResult[]>;
  /**
   * The same inside a transaction of the caller's, for a caller that commits more together with it. Several writers
   * may meet there: run the transaction through `retryConflicts`.
   */
  applyWithin(sql: Sql, events: readonly CatalogEvent[], options?: CatalogWriteOptions): Promise<CatalogWriteResult[]>;
  /** What `apply` would answer, without writing. Products that would be created have no `productId`. */
  preview(events: readonly CatalogEvent[], options?: CatalogWriteOptions): Promise<CatalogWriteResult[]>;
}
