import { once } from "node:events";
import { createWriteStream, statSync } from "node:fs";
import path from "node:path";
import { readColumnMap } from "../catalog/feeds/feed-columns.js";
import type { ImportProblem, ImportRequest, ImportSummary } from "../catalog/import/import-catalog.type.js";
import { type Core, composeCore } from "../compose.js";
import { BadUserInput } from "../errors.js";
import { countWorkers } from "../jobs/worker-presence.js";
import { say, writeAnswer } from "./answer.js";
import { startProgress } from "./progress.js";
import { type CommonOptions, openSettings } from "./settings.js";
import { type EmbeddingWait, waitForEmbedding } from "./wait-for-embedding.js";

export interface ImportOptions extends CommonOptions {
  readonly source?: string;
  readonly format?: NonNullable<ImportRequest["format"]>;
  readonly productFrom?: "image" | "folder";
  readonly map?: string;
  readonly snapshot?: boolean;
  readonly allowMassDelete?: boolean;
  readonly errors?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** How many problems are shown to people; `--errors` has all of them. */
const SHOWN_PROBLEMS = 5;

/** Imports a feed in this process; with `--wait` also sees its photos embedded. */
export async function importFeed(location: string, options: ImportOptions): Promise<void> {
  const { config, logger } = openSettings(options, "answer");
  const map = options.map === undefined ? undefined : await readColumnMap(options.map);
  const core = await composeCore(config, logger, "client");
  try {
    // Before the photos come: embed jobs are made for the model versions that there are.
    if (!options.dryRun) await core.ensureBaseModel();
    const { summary, problems } = await runImport(
      core,
      {
        source: options.source ?? nameSource(location),
        location,
        ...(options.format === undefined ? {} : { format: options.format }),
        ...(options.productFrom === undefined ? {} : { productFrom: options.productFrom }),
        ...(map === undefined ? {} : { map }),
        snapshot: options.snapshot ?? false,
        allowMassDelete: options.allowMassDelete ?? false,
        dryRun: options.dryRun ?? false,
      },
      options.errors,
    );
    const waited = options.wait && !options.dryRun ? await waitForEmbedding(core) : undefined;
    if (summary.rows > 0 && summary.failed === summary.rows) process.exitCode = 1;
    if (waited && waited.retrying + waited.failed > 0) process.exitCode = 1;
    const answer = { ...summary, ...(waited ? { embedding: waited } : {}) };
    writeAnswer(answer, options.json, () => describe(summary, problems, waited, options));
    if (!options.wait && !options.dryRun) await sayWhoEmbeds(core);
  } finally {
    await core.close();
  }
}

async function runImport(
  core: Core,
  request: ImportRequest,
  errorsFile: string | undefined,
): Promise<{ summary: ImportSummary; problems: ImportProblem[] }> {
  const shown: ImportProblem[] = [];
  if (errorsFile !== undefined) assertNotTheFeed(errorsFile, request.location);
  const file = errorsFile === undefined ? undefined : createWriteStream(errorsFile);
  // Opened before the first row is read: a folder that is not there is known at once.
  if (file) await once(file, "open");
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("Interrupted. Run the same command again to go on.")));
  const progress = startProgress(request.dryRun ? "reading" : "importing", "rows");
  try {
    const summary = await core.catalogImport.run({
      ...request,
      signal: stop.signal,
      onProgress: ({ rows, bytesRead, totalBytes, totalRows }) =>
        progress.update(rows, totalRows ?? expectedRows(rows, bytesRead, totalBytes)),
      onProblem: async (problem) => {
        if (shown.length < SHOWN_PROBLEMS) shown.push(problem);
        if (file && !file.write(`${JSON.stringify(problem)}\n`)) await once(file, "drain");
      },
    });
    return { summary, problems: shown };
  } finally {
    progress.stop();
    if (file) {
      file.end();
      await once(file, "close");
    }
  }
}

/** @throws BadUserInput when the list of problems would overwrite the feed itself, by whatever name or link */
function assertNotTheFeed(errorsFile: string, feed: string): void {
  const [list, source] = [errorsFile, feed].map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }));
  if (list && source && list.dev === source.dev && list.ino === source.ino) {
    throw new BadUserInput(`--errors ${errorsFile} is the feed itself, which it would overwrite. Name another file.`, [
      "errors",
    ]);
  }
}

/** Rows of the whole feed, going by the bytes of those that were read. */
function expectedRows(rows: number, bytesRead: number, totalBytes: number | undefined): number | undefined {
  if (totalBytes === undefined || bytesRead === 0) return undefined;
  return Math.max(rows, Math.round((rows * totalBytes) / bytesRead));
}

/** `https://shop.example/feed.xml` is of shop.example, `catalogs/clothing/` and `clothing.csv` of clothing. */
function nameSource(location: string): string {
  if (/^https?:\/\//i.test(location) && URL.canParse(location)) return new URL(location).hostname;
  const name = path.basename(path.resolve(location));
  return name.replace(/\.gz$/i, "").replace(/\.[a-z]{2,5}$/i, "") || "catalog";
}

function describe(
  summary: ImportSummary,
  problems: readonly ImportProblem[],
  waited: EmbeddingWait | undefined,
  options: ImportOptions,
): string[] {
  const { rows, created, updated, unchanged, deleted, failed, photosFailed, seconds, dryRun } = summary;
  const lines = [
    `${dryRun ? "Would import" : "Imported"} ${rows} rows in ${seconds.toFixed(1)} s: ${created} created, ` +
      `${updated} updated, ${unchanged} unchanged, ${deleted} deleted, ${failed} left out, ${photosFailed} photos failed.`,
  ];
  for (const { line, code, reason } of problems) lines.push(`  ${line > 0 ? `line ${line}: ` : ""}${reason} (${code})`);
  if (failed + photosFailed > problems.length && options.errors === undefined) {
    lines.push("  … --errors FILE lists all of them.");
  }
  if (waited) {
    lines.push(`Embedded ${waited.embedded} photos in ${waited.seconds.toFixed(1)} s.`);
    if (waited.failed > 0) lines.push(`${waited.failed} jobs were given up: "lookalike catalog health" lists them.`);
    if (waited.retrying > 0) lines.push(`${waited.retrying} photos are tried again later, by a running worker.`);
  }
  return lines;
}

async function sayWhoEmbeds({ queue, database }: Core): Promise<void> {
  const counts = await queue.counts();
  const open = counts["fetch-photo"].waiting + counts["embed-photo"].waiting;
  if (open === 0) return;
  if ((await countWorkers(database)) > 0) say(`A worker is embedding; ${open} jobs to go.`);
  else say(`${open} jobs wait for a worker: "lookalike serve" embeds the photos, or import with --wait.`);
}
