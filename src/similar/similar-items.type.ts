import type { Hidden, NeighbourFilter } from "../vectors/vectors.type.js";

/** Ours (`prod_42`) or the platform's own (`gid://shopify/Product/42`, `42`). */
export type ProductReference = string;

export interface SimilarItemsOptions {
  /** Leave out the seed's own group, and show one item of every other group. Default true. */
  readonly excludeSameGroup?: boolean;
  /** Only products of the seed's category. Default true. */
  readonly sameCategory?: boolean;
  /** With `sameCategory`: when its category is exhausted, go on to the one around it, up to the outermost. Default true. */
  readonly widenCategory?: boolean;
  /** 0 … 1: how much an item should differ from those above it, within each 64 of the ranking. Default 0. */
  readonly diversity?: number;
  /** 0 … 1; items below it are left out. */
  readonly minScore?: number;
  /** BEST_IMAGE re-ranks by the closest pair of photos. Default BEST_IMAGE. */
  readonly match?: "BEST_IMAGE" | "PRODUCT";
  /** When fewer than `first` are found: nothing, or what is popular or new in the category, labelled. Default CATEGORY. */
  readonly fallback?: "NONE" | "CATEGORY";
  /** Another model version than the active one (administrators). */
  readonly modelId?: number;
}

/** Filters and options together with a page: Relay's `first` and `after`. */
export interface SimilarItemsRequest {
  /** 1 … 100. */
  readonly first: number;
  readonly after?: string;
  readonly filter?: NeighbourFilter;
  /** The product asked for must be published itself; another is as good as absent (shoppers). Default false. */
  readonly publishedOnly?: boolean;
  /** Left out like `filter.excludeProductIds`, but may change between two pages: a cursor does not depend on it. */
  readonly hidden?: Hidden;
  /** Key of the visitor, by which an experiment chooses the model. No model is chosen by it where one is named. */
  readonly visitor?: string;
  readonly options?: SimilarItemsOptions;
}

/** How an item came into the list. */
export type SimilarItemRule =
  /** Alike, and in the seed's category; in one around it; wherever it is. */
  | "SAME_CATEGORY"
  | "PARENT_CATEGORY"
  | "ANY_CATEGORY"
  | "PINNED"
  /** Not alike, but much asked for in the seed's category; or the newest there. */
  | "POPULAR"
  | "NEWEST";

export interface SimilarItem {
  readonly productId: bigint;
  readonly cursor: string;
  /** 0 … 1 by the model's own scale (docs/similar-items.md), 1 for the same picture; 0 for a fallback and a pin. */
  readonly score: number;
  /** Cosine distance, 0 … 2; 2 for a fallback and a pin. */
  readonly distance: number;
  readonly reason: "VISUAL" | "PINNED" | "FALLBACK";
  /** The closest pair of photos, with BEST_IMAGE. */
  readonly matchedImageId?: bigint;
  readonly queryImageId?: bigint;
  /** From 1: its place in the search's whole list, and by the products' own vectors alone. */
  readonly rank?: number;
  readonly rankBeforeReranking?: number;
  readonly rule?: SimilarItemRule;
  /** The rule that pinned it. */
  readonly ruleId?: bigint;
}

/** A picture as a model version sees it: it is compared with the vectors of that version and of no other. */
export interface EmbeddedPicture {
  readonly modelId: number;
  /** Unit length. */
  readonly vector: Float32Array;
}

export interface SeveralProducts {
  readonly like: readonly ProductReference[];
  readonly notLike?: readonly ProductReference[];
}

export interface SimilarItemsPage {
  readonly items: readonly SimilarItem[];
  readonly hasNextPage: boolean;
  readonly modelId: number;
  /** PENDING: the seed's photos are not embedded yet. */
  readonly status: "READY" | "PENDING";
  /** The products asked for; none for a picture. */
  readonly seeds?: readonly bigint[];
  /** The visitor's variant, when its model answered. */
  readonly experiment?: { readonly experimentId: number; readonly variant: number };
}

export interface SimilarItems {
  /**
   * Products that look like this one, nearest first. Pages are stable: the cursor carries the model version and the
   * position, so an item that does not change is neither repeated nor lost; see docs/similar-items.md.
   * @throws ProductNotFound, AmbiguousProduct, BadUserInput (cursor, first)
   */
  toProduct(product: ProductReference, request: SimilarItemsRequest): Promise<SimilarItemsPage>;
  /** The same for many products at once (a list page): one SQL statement when no cursor is given. Keyed like the input. */
  toProducts(productIds: readonly bigint[], request: SimilarItemsRequest): Promise<Map<bigint, SimilarItemsPage>>;
  /**
   * Products that look like several and unlike others. Seeds that are not there or not embedded count for nothing, as
   * long as there is one.
   * @throws ProductNotFound (none of them is there), AmbiguousProduct, BadUserInput (cursor, first)
   */
  toSeveral(several: SeveralProducts, request: SimilarItemsRequest): Promise<SimilarItemsPage>;
  /** Products that look like a picture, by the model that embedded it. @throws BadUserInput (cursor, first) */
  toPicture(picture: EmbeddedPicture, request: SimilarItemsRequest): Promise<SimilarItemsPage>;
}
