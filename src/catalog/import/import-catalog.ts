import type { Config } from "../../config.js";
import type { Database, Sql } from "../../database/database.type.js";
import type { Logger } from "../../logger.js";
import { createRowNormaliser } from "../feeds/feed-normaliser.js";
import { readFeed } from "../feeds/feed-reader.js";
import { type FeedSource, type FolderSource, type OpenUrl, openFeedSource } from "../feeds/feed-source.js";
import { countFolder } from "../feeds/folder-reader.js";
import type { PhotoIntake } from "../photos/photo-intake.type.js";
import type { CatalogEvent, CatalogWriteResult, CatalogWriter } from "../products/catalog-event.type.js";
import type { ResolvedPhotos } from "../products/resolved-photo.type.js";
import { retryConflicts } from "../products/retry-conflicts.js";
import {
  addCounts,
  addProblem,
  countBatch,
  emptyBatch,
  eventsOf,
  type ImportBatch,
  NO_COUNTS,
  photoProblems,
} from "./import-batch.js";
import type {
  CatalogImport,
  ImportCounts,
  ImportProblem,
  ImportProgress,
  ImportRequest,
  ImportSummary,
} from "./import-catalog.type.js";
import { ImportInterrupted } from "./import-errors.js";
import type { ImportLedger } from "./import-ledger.type.js";
import { type RowsSeen, readBatches } from "./import-rows.js";
import { absentProducts, assertShare, countAbsent, databaseTime, type Snapshot } from "./import-snapshot.js";
import { createLocalPhotos, type LocalPhotos } from "./local-photos.js";
import { SeenKeys } from "./seen-keys.js";
import { DatabaseAway, surviveOutage } from "./survive-outage.js";

export interface ImportDependencies {
  readonly database: Database;
  readonly writer: CatalogWriter;
  readonly config: Pick<Config, "defaultCurrency" | "fetchMaxBytes">;
  readonly logger: Logger;
  /** Without it, photos on disk are refused. */
  readonly intake?: PhotoIntake;
  /** Without it, addresses are refused. */
  readonly openUrl?: OpenUrl;
  /** How long an absent database is waited for; a minute when absent. */
  readonly patienceMs?: number;
}

/** @see CatalogImport */
export function createCatalogImport(dependencies: ImportDependencies): CatalogImport {
  return {
    async run(request, ledger) {
      const run = new ImportAttempt(dependencies, request, ledger);
      try {
        return await run.run();
      } catch (error) {
        throw error instanceof DatabaseAway ? new ImportInterrupted(run.counts.rows, error) : error;
      }
    },
  };
}

/** One pass over a feed. */
class ImportAttempt {
  counts: ImportCounts;
  private photosFailed = 0;
  /** Rows of this pass; those up to `ledger.counted.rows` were counted by an earlier one. */
  private position = 0;
  private totalRows: number | undefined;
  private feed: FeedSource | FolderSource | undefined;
  private photos: LocalPhotos | undefined;

  constructor(
    private readonly dependencies: ImportDependencies,
    private readonly request: ImportRequest,
    private readonly ledger: ImportLedger | undefined,
  ) {
    this.counts = ledger?.counted ?? NO_COUNTS;
  }

  async run(): Promise<ImportSummary> {
    const { request, dependencies } = this;
    const began = performance.now();
    const startedAt = await this.survive(() => databaseTime(dependencies.database));
    this.feed = await openFeedSource(request.location, {
      ...(dependencies.openUrl ? { openUrl: dependencies.openUrl } : {}),
      ...(request.signal ? { signal: request.signal } : {}),
    });
    if (this.feed.kind === "folder") this.countRows(this.feed.folder);
    this.photos = this.localPhotos(this.feed);
    const seen: RowsSeen = { good: new SeenKeys(), bad: new SeenKeys(), uncertain: false };
    await this.importRows(this.feed, seen);
    const isNamed = (externalId: string) => seen.good.has(externalId) || seen.bad.has(externalId);
    const snapshot = await this.deleteAbsent({ source: request.source, startedAt, isNamed }, seen.uncertain);
    const seconds = (performance.now() - began) / 1_000;
    return { ...this.progress(), dryRun: request.dryRun ?? false, seconds, snapshot };
  }

  private async importRows(feed: FeedSource | FolderSource, seen: RowsSeen): Promise<void> {
    const { request, dependencies } = this;
    const normalise = createRowNormaliser({
      source: request.source,
      defaultCurrency: dependencies.config.defaultCurrency,
      photoPaths: this.photos !== undefined,
      ...(request.map ? { map: request.map } : {}),
    });
    const batches = readBatches(readFeed(feed, request), {
      source: request.source,
      normalise,
      seen,
      boundary: this.ledger?.counted.rows ?? 0,
      ...(request.signal ? { signal: request.signal } : {}),
    });
    // The next batch is read while one is written: reading is this process's work, writing the database's.
    let writing = Promise.resolve();
    try {
      for await (const batch of batches) {
        await writing;
        writing = this.write(batch);
        writing.catch(() => {});
      }
    } finally {
      await writing;
    }
  }

  private async write(batch: ImportBatch): Promise<void> {
    const photos = await this.survive(async () => this.photos?.resolve(batch.products.map(({ product }) => product)));
    for (const problem of photoProblems(batch, photos ?? new Map())) {
      addProblem(batch, problem);
      this.photosFailed += 1;
    }
    const isCounted = this.position < (this.ledger?.counted.rows ?? 0);
    this.position += batch.rows;
    await this.apply(batch, eventsOf(batch), photos ?? new Map(), isCounted);
  }

  private async apply(
    batch: ImportBatch,
    events: readonly CatalogEvent[],
    photos: ResolvedPhotos,
    isCounted = false,
  ): Promise<void> {
    const { database, writer } = this.dependencies;
    const before = this.counts;
    const count = (results: readonly CatalogWriteResult[]) => countBatch(batch, results);
    if (this.request.dryRun) {
      this.counts = addCounts(before, count(await this.survive(() => writer.preview(events, { photos }))));
    } else {
      const write = () =>
        database.transaction(async (sql) => {
          const results = await writer.applyWithin(sql, events, { photos });
          if (isCounted) return before;
          if (this.ledger) return this.ledger.record(sql, before, count(results), batch.problems);
          return addCounts(before, count(results));
        });
      this.counts = await this.survive(() => retryConflicts(write));
    }
    for (const problem of batch.problems) await this.request.onProblem?.(problem);
    this.request.onProgress?.(this.progress());
  }

  private async deleteAbsent(snapshot: Snapshot, uncertain: boolean): Promise<ImportSummary["snapshot"]> {
    const { request, dependencies } = this;
    if (!request.snapshot) return "off";
    if (uncertain) {
      const reason =
        "Some rows had no readable id, so nobody can say which products are absent. Nothing was deleted; correct " +
        "those rows and import again.";
      await this.report({ line: 0, code: "SNAPSHOT_SKIPPED", reason, kind: "feed" });
      return "skipped";
    }
    const sql: Sql = { query: (...statement) => this.survive(() => dependencies.database.query(...statement)) };
    const absence = await countAbsent(sql, snapshot);
    try {
      if (!request.allowMassDelete) assertShare(absence, this.counts.deleted);
    } catch (error) {
      if (!request.dryRun || !(error instanceof Error)) throw error;
      await this.report({ line: 0, code: "MASS_DELETE_REFUSED", reason: error.message, kind: "feed" });
      return "skipped";
    }
    for await (const events of absentProducts(sql, snapshot)) {
      request.signal?.throwIfAborted();
      await this.apply(emptyBatch(), events, new Map());
    }
    return "done";
  }

  private async report(problem: ImportProblem): Promise<void> {
    const batch = emptyBatch();
    addProblem(batch, problem);
    await this.apply(batch, [], new Map());
  }

  private localPhotos(feed: FeedSource | FolderSource): LocalPhotos | undefined {
    const { database, intake, config } = this.dependencies;
    if (!intake || feed.kind === "url" || feed.folder === undefined) return undefined;
    return createLocalPhotos({
      database,
      intake,
      source: this.request.source,
      folder: feed.folder,
      maxBytes: config.fetchMaxBytes,
      dryRun: this.request.dryRun ?? false,
    });
  }

  private progress(): ImportProgress {
    const feed = this.feed?.kind === "folder" ? undefined : this.feed;
    const totals = {
      ...(feed?.totalBytes === undefined ? {} : { totalBytes: feed.totalBytes }),
      ...(this.totalRows === undefined ? {} : { totalRows: this.totalRows }),
    };
    return { ...this.counts, photosFailed: this.photosFailed, bytesRead: feed?.bytesRead() ?? 0, ...totals };
  }

  /** Beside the import, which does not wait for it. */
  private countRows(folder: string): void {
    countFolder(folder, this.request.productFrom ?? "image").then(
      (rows) => {
        this.totalRows = rows;
      },
      () => {},
    );
  }

  private survive<T>(work: () => Promise<T>): Promise<T> {
    const { logger, patienceMs } = this.dependencies;
    const patience = patienceMs === undefined ? {} : { patienceMs };
    return surviveOutage(work, {
      logger,
      ...patience,
      ...(this.request.signal ? { signal: this.request.signal } : {}),
    });
  }
}
