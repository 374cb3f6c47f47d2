import type { ProductStatus, Split } from "../catalog/products/catalog-event.type.js";
import type { ProductVectors } from "../catalog/products/product-vectors.type.js";
import type { Sql } from "../database/database.type.js";

export interface NeighbourFilter {
  /** A product matches when its path starts with one of these. */
  readonly categories?: readonly (readonly string[])[];
  readonly brands?: readonly string[];
  readonly price?: { readonly minMinor?: bigint; readonly maxMinor?: bigint; readonly currency: string };
  readonly inStock?: boolean;
  readonly attributes?: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** Default ACTIVE. */
  readonly statuses?: readonly ProductStatus[];
  readonly excludeProductIds?: readonly bigint[];
  readonly excludeGroups?: readonly string[];
}

export interface Neighbour {
  readonly productId: bigint;
  /** Cosine distance, 0 … 2. */
  readonly distance: number;
}

/** Reading and writing of vectors; the only stage with pgvector SQL. */
export interface Vectors extends ProductVectors {
  createPartitions(sql: Sql, modelId: number, dims: number): Promise<void>;
  dropPartitions(sql: Sql, modelId: number): Promise<void>;
  /** Writes photo vectors; an existing one is left alone. Unit vectors `[dims]`. */
  writePhotos(
    sql: Sql,
    modelId: number,
    rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
  ): Promise<void>;
  /** Refreshes the product rows of every product that shows one of these photos. */
  refreshShowing(sql: Sql, modelId: number, blobIds: readonly bigint[]): Promise<void>;
  /** The same for many photos of a live model, in a transaction of its own. Nothing when the model is not live. */
  writePhotosInBulk(
    modelId: number,
    rows: readonly { readonly blobId: bigint; readonly vector: Float32Array }[],
  ): Promise<void>;
  /** Contents without a vector, among the `limit` that follow `after` by id; `last` is undefined after the last page. */
  lackingPage(
    sql: Sql,
    modelId: number,
    after: bigint,
    limit: number,
  ): Promise<{ readonly contents: readonly PhotoContent[]; readonly last: bigint | undefined }>;
  /** How many contents products show, and how many of them have a vector of the model. */
  countPhotos(sql: Sql, modelId: number): Promise<{ readonly done: number; readonly total: number }>;
  /** Makes the product rows of one model true, among the `limit` products that follow `after` by id. */
  refreshStale(
    sql: Sql,
    modelId: number,
    after: bigint,
    limit: number,
  ): Promise<{ readonly refreshed: number; readonly last: bigint | undefined }>;
  /** What a model lacks to take the active one's place. */
  findGaps(sql: Sql, modelId: number, activeId: number): Promise<ModelGaps>;
  /**
   * Chooses how a model's products are searched and builds what that needs: nothing (an exact scan) while they are
   * few or the database is embedded, an HNSW index otherwise. Writes go on meanwhile. For the worker, after a burst
   * of embedding; must not run inside a transaction.
   */
  ensureIndex(modelId: number): Promise<"exact" | "hnsw">;
  readonly search: NeighbourSearch;
  readonly readers: VectorReaders;
}

/** A photo's content, by its key in the blob store. */
export interface PhotoContent {
  readonly blobId: bigint;
  readonly contentHash: string;
}

/** Nothing in either: no answer would lack anything that the active model shows. */
export interface ModelGaps {
  /** Contents that products show and of which the active model has a vector, and this one has none. */
  readonly photos: number;
  /** Products whose row is missing, left over, or made of other photos or columns than the catalog has. */
  readonly products: number;
}

/** What a search looks from. */
export type Seeds =
  | { readonly by: "product"; readonly ids: readonly bigint[]; readonly published?: boolean }
  /** One product by any of these ids of its source. `published`: it must be ACTIVE. */
  | { readonly by: "external"; readonly ids: readonly string[]; readonly published?: boolean }
  /** Unit length. */
  | { readonly by: "picture"; readonly vector: Float32Array };

/** Where in the ranking of all products a window begins: after this one. */
export interface Position {
  /** Negative inner product of two unit vectors: cosine distance − 1, kept raw because it is compared for equality. */
  readonly rank: number;
  readonly productId: bigint;
}

/** What somebody decided that this search must not show, such as what a merchandiser pinned elsewhere or hid. */
export interface Hidden {
  readonly productIds?: readonly bigint[];
  /** Unique over sources, as `Seed.group` is: the source, U+001F, and the group as the source names it. */
  readonly groups?: readonly string[];
}

/** The conditions of a search, the same on each of its pages. */
export interface SearchConditions {
  readonly filter: NeighbourFilter;
  /** Only products of the seed's category; a seed without one looks everywhere. */
  readonly sameCategory: boolean;
  /** Neither the seed's own group, nor two of any other. */
  readonly oneOfGroup: boolean;
  /** BEST_IMAGE ranks the products of a window by their closest pair of photos. */
  readonly match: "BEST_IMAGE" | "PRODUCT";
  /** Largest cosine distance shown. */
  readonly maxDistance?: number;
}

export interface WindowRequest extends SearchConditions {
  readonly modelId: number;
  /** May change from page to page. */
  readonly hidden?: Hidden;
  readonly seeds: Seeds;
  /** The window begins after this; absent: at the nearest product. */
  readonly start?: Position;
  /** Products of the window to pass over, and to give at most. */
  readonly offset: number;
  readonly limit: number;
  /** `auto` decides by the estimated selectivity; the rest of a search keeps to what its first window used. */
  readonly scan: "auto" | "exact" | "hnsw";
}

export interface WindowItem extends Neighbour {
  readonly matchedImageId?: bigint;
  readonly queryImageId?: bigint;
}

/** What one seed sees through one window of the ranking. */
export interface SearchWindow {
  readonly seed: Seed;
  readonly scan: "exact" | "hnsw";
  /**
   * False when an HNSW scan ended early or among products of equal distance: an exact scan of the same window tells
   * whether there are more.
   */
  readonly complete: boolean;
  readonly items: readonly WindowItem[];
  /** Where the next window begins; absent when this is the last. */
  readonly next?: Position;
}

export interface Seed {
  /** Absent for a picture. */
  readonly productId?: bigint;
  /** The sources that know this id; more than one when it is ambiguous. */
  readonly sources: readonly string[];
  readonly categoryPath: readonly string[];
  /** Unique over sources; see `scopedGroup`. */
  readonly group?: string;
  /** Whether it has a vector of this model. */
  readonly embedded: boolean;
}

export interface NewestRequest extends SearchConditions {
  readonly modelId: number;
  /** May change from page to page. */
  readonly hidden?: Hidden;
  readonly seed: Seed;
  /** A picture's vector, so that what the search itself shows can be told. */
  readonly picture?: Float32Array;
  /** Products older than this one. */
  readonly after?: bigint;
  readonly limit: number;
}

export interface NeighbourSearch {
  /**
   * One window of the ranking for each seed that exists, in one statement. `activeModelId` is read in the same
   * statement, so that a caller who assumed another one can tell.
   * @throws ModelVectorsGone when the model's vectors were dropped
   */
  windows(request: WindowRequest): Promise<{ readonly activeModelId?: number; readonly windows: SearchWindow[] }>;
  /**
   * Products of the seed's category (or of the filter's, for a picture) that the search itself does not show, newest
   * first.
   * @throws ModelVectorsGone
   */
  newest(request: NewestRequest): Promise<bigint[]>;
}

/** One labelled vector, for evaluation and mining. */
export interface LabelledVector {
  readonly productId: bigint;
  /** Absent for a product's own vector. */
  readonly imageId?: bigint;
  readonly vector: Float32Array;
  readonly split: Split | null;
  readonly categoryPath: readonly string[];
  readonly group: string | null;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export interface VectorReaders {
  /** All vectors of a model in order of product and photo, a batch at a time. */
  read(modelId: number, what: "products" | "photos"): AsyncGenerator<LabelledVector[]>;
}
