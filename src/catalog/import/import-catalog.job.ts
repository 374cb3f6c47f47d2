import { z } from "zod";
import type { Database } from "../../database/database.type.js";
import { codeOf, LookalikeError, messageOf } from "../../errors.js";
import type { Job } from "../../jobs/job-queue.type.js";
import type { Logger } from "../../logger.js";
import type { FeedFormat } from "../feeds/feed-entry.type.js";
import { isUrl } from "../feeds/feed-source.js";
import { FeedUnreadable } from "../feeds/feed-unreadable.error.js";
import type { CatalogImport, ImportRequest } from "./import-catalog.type.js";
import { ImportInterrupted } from "./import-errors.js";
import {
  beginImportRun,
  endImportRun,
  type ImportRunRow,
  importRunLedger,
  noteImportRun,
} from "./import-runs.repository.js";

/** Attempts after which a feed that the network withholds is given up. */
const MAX_ATTEMPTS = 5;

const optionsSchema = z.object({
  snapshot: z.boolean().optional(),
  allowMassDelete: z.boolean().optional(),
  productFrom: z.enum(["image", "folder"]).optional(),
  map: z.record(z.string(), z.string()).optional(),
});

const formatSchema = z.enum(["csv", "tsv", "jsonl", "merchant"]);

/**
 * Reads the feed of an import run. Idempotent: what an earlier attempt wrote is met unchanged, and what it counted is
 * not counted again, so a run that a killed worker left behind ends as if nothing had happened.
 */
export function createImportCatalogJob({
  database,
  catalogImport,
  logger,
}: {
  readonly database: Database;
  readonly catalogImport: CatalogImport;
  readonly logger: Logger;
}): (job: Job<"import-catalog">, signal: AbortSignal) => Promise<void> {
  return async ({ data: { importRunId }, retryCount }, signal) => {
    const run = await beginImportRun(database, importRunId);
    if (!run) return;
    try {
      const summary = await catalogImport.run({ ...toRequest(run), signal }, importRunLedger(run));
      await endImportRun(database, run.id);
      logger.info({ importRunId, ...summary }, "import finished");
    } catch (error) {
      if (signal.aborted || error instanceof ImportInterrupted) throw error;
      const failure = `${codeOf(error)}: ${messageOf(error)}`;
      if (isTemporary(error) && retryCount + 1 < MAX_ATTEMPTS) {
        await noteImportRun(database, run.id, failure);
        throw error;
      }
      logger.warn({ importRunId, err: error }, "import failed");
      await endImportRun(database, run.id, failure);
    }
  };
}

function toRequest(run: ImportRunRow): ImportRequest {
  if (!isUrl(run.location)) {
    const message = "A worker reads feeds from http(s) addresses only. Use the command line for a file or folder.";
    throw new FeedUnreadable("LOCATION_REFUSED", message);
  }
  const { snapshot, allowMassDelete, productFrom, map } = optionsSchema.parse(run.options);
  const format: FeedFormat | undefined = run.format === "auto" ? undefined : formatSchema.parse(run.format);
  return {
    source: run.source,
    location: run.location,
    ...(format === undefined ? {} : { format }),
    ...(productFrom === undefined ? {} : { productFrom }),
    ...(map === undefined ? {} : { map }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(allowMassDelete === undefined ? {} : { allowMassDelete }),
  };
}

/** The network's fault: a FetchFailed that says so, or something nobody foresaw. */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof LookalikeError)) return true;
  return "retryable" in error && error.retryable === true;
}
