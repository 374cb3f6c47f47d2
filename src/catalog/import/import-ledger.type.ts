import type { Sql } from "../../database/database.type.js";
import type { ImportCounts, ImportProblem } from "./import-catalog.type.js";

/**
 * Keeps an import's counts in the database, so that a run which a killed worker left behind ends with the counts of
 * one that was never interrupted.
 */
export interface ImportLedger {
  /** What earlier attempts counted. Their rows are applied again, which is harmless, but not counted again. */
  readonly counted: ImportCounts;
  /**
   * Adds a batch to the counts, in the transaction that writes its products.
   * @param before the counts without it; when others are stored, the batch has been counted already
   * @returns the counts that are stored now
   */
  record(
    sql: Sql,
    before: ImportCounts,
    batch: ImportCounts,
    problems: readonly ImportProblem[],
  ): Promise<ImportCounts>;
}
