import type { PhotoState, ProductStatus } from "../../generated/prisma/enums.js";

/** A product as it is shown; see prisma/schema.prisma for the meaning of the columns. */
export interface ProductRow {
  readonly id: bigint;
  readonly source: string;
  readonly externalId: string;
  readonly groupKey: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly handle: string | null;
  readonly url: string | null;
  readonly brand: string | null;
  readonly categoryPath: string[];
  readonly priceMinor: bigint | null;
  readonly currency: string | null;
  readonly inStock: boolean;
  readonly attributes: Record<string, string[]>;
  readonly status: ProductStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ProductImageRow {
  readonly id: bigint;
  readonly productId: bigint;
  readonly url: string;
  readonly state: PhotoState;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly retryable: boolean;
  readonly width: number | null;
  readonly height: number | null;
  /** Of the stored photo: key in the blob store, and media type. Null until it is fetched. */
  readonly contentHash: string | null;
  readonly mime: string | null;
}

export interface ProductsCondition {
  readonly source?: string;
  readonly category?: readonly string[];
  readonly brand?: string;
  readonly inStock?: boolean;
  readonly status?: ProductStatus;
  /** Part of the title, whatever its case. */
  readonly title?: string;
}

/** What pages, resolvers and commands read of the catalog. Deleted products are absent. */
export interface ProductReads {
  byIds(ids: readonly bigint[]): Promise<Map<bigint, ProductRow>>;
  /** In the order shown. A product without photos has an empty list. */
  imagesOf(productIds: readonly bigint[]): Promise<Map<bigint, ProductImageRow[]>>;
  imagesByIds(ids: readonly bigint[]): Promise<Map<bigint, ProductImageRow>>;
  /** Products after an id, by id, at most `limit`. */
  page(condition: ProductsCondition, after: bigint | undefined, limit: number): Promise<ProductRow[]>;
  count(condition: ProductsCondition): Promise<number>;
}
