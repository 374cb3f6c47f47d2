import type { ProductStatus, Split } from "../catalog/products/catalog-event.type.js";
import type { ProductVectors } from "../catalog/products/product-vectors.type.js";
import type { Sql } from "../database/database.type.js";

export interface NeighbourFilter {
  /** A product matches when its path starts with one of these. */
  readonly categories?: readonly (readonly string[])[];
  readonly brands?: readonly string[];
  readonly price?: { readonly minMinor?: bigint; readonly maxMinor?: bigint; readonly currency: string };
  /** Factors of the seed's price, in its currency; without a price of the seed everything matches. */
  readonly relativePrice?: { readonly min?: number; readonly max?: number };
  readonly inStock?: boolean;
  readonly attributes?: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** Products of this sales channel, and those that name none. */
  readonly channel?: string;
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
  /**
   * Measures the distances between random products, by which the model's scores are read, when there are enough of them
   * and the catalog has grown or shrunk by a fifth since. For the worker, beside `ensureIndex`.
   */
  calibrate(modelId: number): Promise<void>;
  readonly scales: ScoreScales;
  readonly search: NeighbourSearch;
  readonly readers: VectorReaders;
}

/** What a distance means; see docs/similar-items.md. */
export interface ScoreScale {
  /** 0 … 1, and 1 for the same picture. */
  toScore(distance: number): number;
  /** The largest distance that has at least this score. */
  toDistance(score: number): number;
}

export interface ScoreScales {
  /** The scale of a model's scores as it was at most a minute ago; plainly 1 − distance / 2 while it has none. */
  of(modelId: number): Promise<ScoreScale>;
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
  | { readonly by: "picture"; readonly vector: Float32Array }
  | Blend;

/** A point between several products, and away from others. */
export interface Blend {
  readonly by: "blend";
  /** Unit length; absent while none of the products is embedded. */
  readonly vector?: Float32Array;
  /** The products it is made of, and their groups as `Seed.group`; none of them is an answer. */
  readonly productIds: readonly bigint[];
  readonly groups: readonly string[];
  /** Where the products that it lies between are; a search for the same category looks in all of these. */
  readonly categories: readonly (readonly string[])[];
  /** The span of their prices, when they share a currency. */
  readonly price?: { readonly leastMinor: bigint; readonly mostMinor: bigint; readonly currency: string };
}

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
  /** With `sameCategory`: step by step go on to the category around it, up to the outermost. */
  readonly widenCategory?: boolean;
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
  /** Steps outwards from the seed's category; what lies within the step before is left out. Default 0. */
  readonly level?: number;
  /** The window begins after this; absent: at the nearest product. */
  readonly start?: Position;
  /** A window that is opened again ends with this, whatever was added or taken away meanwhile. */
  readonly end?: Position;
  /** Items up to this one, in the order of the window, were shown. */
  readonly after?: Position;
  /** Items to give at most. */
  readonly limit: number;
  /** `auto` decides by the estimated selectivity; the rest of a search keeps to what its first window used. */
  readonly scan: "auto" | "exact" | "hnsw";
}

export interface WindowItem extends Neighbour {
  /** As shown, not rounded: by the closest pair of photos where that is what is compared. */
  readonly rank: number;
  /** From 1: its place in the window by the products' own vectors. */
  readonly place: number;
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

export interface FallbackRequest extends SearchConditions {
  readonly modelId: number;
  /** May change from page to page. */
  readonly hidden?: Hidden;
  /** One product, a picture or a blend. */
  readonly seeds: Seeds;
  /** Where the seed is; empty: everywhere, or where the filter says. */
  readonly categories: readonly (readonly string[])[];
  /** Steps outwards from there. */
  readonly level: number;
  /** Products after this one. */
  readonly after?: Popularity;
  readonly limit: number;
}

/** A place in the order of popularity; products of unknown popularity come last, the newest first. */
export interface Popularity {
  readonly productId: bigint;
  readonly score?: number;
}

/** A product that a search may look from, among several. */
export interface SeedProduct {
  readonly productId: bigint;
  readonly externalId: string;
  readonly source: string;
  readonly categoryPath: readonly string[];
  readonly group?: string;
  readonly price?: { readonly minor: bigint; readonly currency: string };
  /** Absent while its photos are not embedded. */
  readonly vector?: Float32Array;
}

export interface NeighbourSearch {
  /**
   * One window of the ranking for each seed that exists, in one statement. `activeModelId` is read in the same
   * statement, so that a caller who assumed another one can tell.
   * @throws ModelVectorsGone when the model's vectors were dropped
   */
  windows(request: WindowRequest): Promise<{ readonly activeModelId?: number; readonly windows: SearchWindow[] }>;
  /**
   * Products of a step outwards from the seed's category (or of the filter's, for a picture) that the search itself does
   * not show: the most popular first, then the newest.
   * @throws ModelVectorsGone
   */
  fallback(request: FallbackRequest): Promise<Popularity[]>;
  /** Products by our ids or those of their sources, with what a blend is made of. @throws ModelVectorsGone */
  seedProducts(
    modelId: number,
    ids: { readonly own: readonly bigint[]; readonly external: readonly string[]; readonly published: boolean },
  ): Promise<SeedProduct[]>;
  /** Vectors of these products, where they have one. @throws ModelVectorsGone */
  vectorsOf(modelId: number, productIds: readonly bigint[]): Promise<Map<bigint, Float32Array>>;
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
