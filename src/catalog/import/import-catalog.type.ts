import type { ColumnMap } from "../feeds/feed-columns.js";
import type { FeedFormat, RowProblemCode } from "../feeds/feed-entry.type.js";
import type { ImportLedger } from "./import-ledger.type.js";

export interface ImportCounts {
  /** Rows of the feed that have been dealt with, good and bad. */
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  /** Equal to what is stored, or older. */
  readonly unchanged: number;
  /** By a snapshot. */
  readonly deleted: number;
  /** Bad rows. */
  readonly failed: number;
}

export interface ImportProgress extends ImportCounts {
  readonly photosFailed: number;
  readonly bytesRead: number;
  /** Unknown for a folder, and for an address whose server does not say. */
  readonly totalBytes?: number;
  /** Of a folder, soon after the start: how many rows there will be, more or less. */
  readonly totalRows?: number;
}

/** Something that is wrong with the feed; none of these stops the import. */
export interface ImportProblem {
  /** 0: not of one row. */
  readonly line: number;
  /** A RowProblemCode, the reason why a photo on disk was not taken, SNAPSHOT_SKIPPED or MASS_DELETE_REFUSED. */
  readonly code: RowProblemCode | "SNAPSHOT_SKIPPED" | "MASS_DELETE_REFUSED" | (string & {});
  readonly reason: string;
  readonly externalId?: string;
  /** `row`: the row is left out. `photo`: the product is there without this photo. `feed`: about all of it. */
  readonly kind: "row" | "photo" | "feed";
}

export interface ImportRequest {
  readonly source: string;
  /** Path of a folder or file, or an http(s) address. Photos may be paths only in a file or folder. */
  readonly location: string;
  /** Told from the name and content when absent. */
  readonly format?: FeedFormat;
  readonly productFrom?: "image" | "folder";
  readonly map?: ColumnMap;
  /** The feed is the whole source: products that it does not name are deleted. */
  readonly snapshot?: boolean;
  /** Let a snapshot delete more than a fifth of the source's products. */
  readonly allowMassDelete?: boolean;
  /** Count what would happen; write nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** After every batch. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Each problem as it is met; waited for, so that a slow writer holds the import up instead of memory. */
  readonly onProblem?: (problem: ImportProblem) => void | Promise<void>;
}

export interface ImportSummary extends ImportProgress {
  readonly dryRun: boolean;
  readonly seconds: number;
  /** `done` also when nothing was absent. `skipped`: a row without a readable id made absence uncertain. */
  readonly snapshot: "off" | "done" | "skipped";
}

export interface CatalogImport {
  /**
   * Reads a feed into the catalog. Repeating it is harmless: what is equal is not written again.
   * @throws FeedUnreadable, FetchFailed, MassDeleteRefused, ImportInterrupted; rows before it are imported
   */
  run(request: ImportRequest, ledger?: ImportLedger): Promise<ImportSummary>;
}
