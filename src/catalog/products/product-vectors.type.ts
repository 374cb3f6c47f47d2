import type { Sql } from "../../database/database.type.js";

/**
 * What the catalog asks of the vectors stage, which comes after it in the flow (compose.ts connects them).
 * Both run inside the transaction that changed the catalog.
 */
export interface ProductVectors {
  /**
   * Makes the vector rows of these products true again, for every live model version: filter columns, the mean of
   * the photos' vectors, gone when the product is deleted or has no embedded photo.
   */
  refresh(sql: Sql, productIds: readonly bigint[]): Promise<void>;
  /** Of these photos, the (blob, model version) pairs that have no vector yet, for every live model version. */
  missing(sql: Sql, blobIds: readonly bigint[]): Promise<{ readonly blobId: bigint; readonly modelId: number }[]>;
}
