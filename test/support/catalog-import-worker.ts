import { createGuardedFetcher } from "../../src/catalog/fetching/guarded-fetcher.js";
import { createImportCatalogJob } from "../../src/catalog/import/import-catalog.job.js";
import { createCatalogImport } from "../../src/catalog/import/import-catalog.js";
import { createCatalogWriter } from "../../src/catalog/products/catalog-writer.js";
import { loadConfig } from "../../src/config.js";
import { openDatabase } from "../../src/database/connect.js";
import type { Database } from "../../src/database/database.type.js";
import { recordJobs, recordVectors } from "./catalog-fixture.js";
import { testLogger } from "./database.js";

/** The import job as a worker runs it, with its feed fetched over HTTP from this machine. */
export function importJob(database: Database) {
  const config = loadConfig({ LOOKALIKE_FETCH_ALLOW_PRIVATE: "true" });
  const fetcher = createGuardedFetcher({ config, logger: testLogger });
  const writer = createCatalogWriter({ database, queue: recordJobs(), vectors: recordVectors(), logger: testLogger });
  const openUrl = fetcher.openGuarded.bind(fetcher);
  const catalogImport = createCatalogImport({ database, writer, config, openUrl, logger: testLogger });
  return { run: createImportCatalogJob({ database, catalogImport, logger: testLogger }), close: () => fetcher.close() };
}

/** As a process of its own: `node catalog-import-worker.js '{"data":…,"databaseUrl":…}' RUN`, made to be killed. */
const [, script, config, importRunId] = process.argv;
if (script?.endsWith("catalog-import-worker.js") && config && importRunId) {
  const database = await openDatabase(JSON.parse(config), testLogger, { role: "guest" });
  const job = { id: "1", data: { importRunId }, retryCount: 0 };
  await importJob(database).run(job, new AbortController().signal);
  process.exit(0);
}
