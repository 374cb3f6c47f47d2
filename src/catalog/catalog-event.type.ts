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

/** The only way into the catalog tables. */
export interface CatalogWriter {
  /**
   * Applies events of any sources in order, in one transaction together with the jobs that they need: photos to
   * fetch, photos to embed, filter columns beside the vectors. Equal input writes nothing.
   * `options.priority` is that of the jobs.
   */
  apply(events: readonly CatalogEvent[], options?: { readonly priority?: number }): Promise<CatalogWriteResult[]>;
}
