import type { ProductStatus } from "../catalog/catalog-event.type.js";
import type { ProductVectors } from "../catalog/product-vectors.type.js";
import type { Sql } from "../database/database.type.js";

export interface NeighbourFilter {
  /** A product matches when its path starts with one of these. */
  readonly categories?: readonly (readonly string[])[];
  readonly brands?: readonly string[];
  readonly price?: { readonly minMinor?: bigint; readonly maxMinor?: bigint; readonly currency: string };
  readonly inStock?: boolean;
  readonly attributes?: readonly { readonly name: string; readonly values: readonly string[] }[];
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
}
