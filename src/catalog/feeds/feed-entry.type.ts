import type { ProductInput } from "../products/catalog-event.type.js";
import type { ProductProblemCode } from "../products/product-rules.js";

/** `merchant` is a Google Merchant feed, XML or TSV. */
export type FeedFormat = "folder" | "csv" | "tsv" | "jsonl" | "merchant";

export type RowProblemCode =
  | ProductProblemCode
  | "COLUMN_COUNT"
  | "FIELD_TOO_LARGE"
  | "LINE_TOO_LONG"
  | "NOT_UTF8"
  | "BROKEN_JSON"
  | "DUPLICATE_ID"
  | "PRICE_INVALID"
  | "PRICE_NEGATIVE"
  | "CURRENCY_UNKNOWN"
  | "AVAILABILITY_UNKNOWN"
  | "STATUS_UNKNOWN"
  | "SPLIT_UNKNOWN"
  | "DATE_INVALID"
  | "PHOTO_PATH_REFUSED"
  | "FOLDER_LINK"
  | "FILE_OUTSIDE_FOLDER";

/** Why a row of a feed is left out. */
export interface RowProblem {
  readonly code: RowProblemCode;
  readonly reason: string;
  /** The row's product, when its id could be read: a snapshot then knows that it is not absent. */
  readonly externalId?: string;
}

/** A row as the feed has it: column name → values, most columns with one. */
export type FeedRow = ReadonlyMap<string, readonly string[]>;

/** A product of a folder, which has no columns to normalise. */
export type FolderProduct = Omit<ProductInput, "source">;

export type FeedEntryContent =
  | { readonly row: FeedRow }
  | { readonly product: FolderProduct }
  | { readonly problem: RowProblem };

/** What a reader yields. `line` counts from 1; in a folder, it is the place of the product. */
export type FeedEntry = { readonly line: number } & FeedEntryContent;

/** Largest value of one column, in bytes. */
export const MAX_FIELD_BYTES = 1024 * 1024;
/** Largest row, in bytes: what a missing quote or line end may swallow before it is noticed. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;
