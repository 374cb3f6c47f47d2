import type { Database } from "../../database/database.type.js";
import { BadUserInput } from "../../errors.js";
import type { JobQueue } from "../../jobs/job-queue.type.js";
import { isUrl } from "../feeds/feed-source.js";
import type { ImportCatalogInput } from "../products/catalog.input.js";
import { type ImportRunRow, insertImportRun } from "./import-runs.repository.js";

/**
 * Records an import and enqueues its job, together.
 * @returns a function that throws BadUserInput for anything but an http(s) address: a server reads no paths for others
 */
export function createStartImport({
  database,
  queue,
}: {
  readonly database: Database;
  readonly queue: JobQueue;
}): (input: ImportCatalogInput) => Promise<ImportRunRow> {
  return async ({ url, source, format, snapshot, allowMassDelete }) => {
    if (!isUrl(url) || !URL.canParse(url)) {
      const hint = "To import a file or folder, run `lookalike import` on the machine where it lies.";
      throw new BadUserInput(`The feed must have an http(s) address. ${hint}`, ["url"]);
    }
    const location = new URL(url);
    const run = {
      source: source ?? location.hostname,
      location: location.href,
      format: format ?? "auto",
      options: { snapshot, allowMassDelete },
    };
    return database.transaction(async (sql) => {
      const row = await insertImportRun(sql, run);
      await queue.enqueue(sql, "import-catalog", [{ importRunId: row.id }]);
      return row;
    });
  };
}
