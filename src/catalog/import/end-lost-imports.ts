import type { Database } from "../../database/database.type.js";
import type { FailedJobs } from "../../jobs/job-queue.type.js";
import { lookRegularly } from "../../jobs/look-regularly.js";
import type { Logger } from "../../logger.js";
import { ImportGivenUp } from "./import-errors.js";
import { endGivenUpRuns } from "./import-runs.repository.js";

export interface EndLostImportsDependencies {
  readonly database: Database;
  readonly queue: Pick<FailedJobs, "failed">;
  readonly logger: Logger;
}

/**
 * Ends, as FAILED with an ImportGivenUp, the runs whose job has used up its attempts. The job itself cannot do this: a
 * worker that is killed in its last attempt has nobody left to say so. Any number of workers may do it at once.
 * @returns ids of the runs
 */
export async function endLostImports({ database, queue, logger }: EndLostImportsDependencies): Promise<string[]> {
  const lost = await queue.failed("import-catalog");
  if (lost.length === 0) return [];
  const ended = await endGivenUpRuns(
    database,
    lost.map(({ data, reason }) => {
      const failure = new ImportGivenUp(reason);
      return { id: data.importRunId, failure: `${failure.code}: ${failure.message}` };
    }),
  );
  for (const importRunId of ended) logger.warn({ importRunId }, "import given up after its last attempt");
  return ended;
}

/** Does so every half minute, and once at the start. */
export function startEndingLostImports(dependencies: EndLostImportsDependencies): { stop(): Promise<void> } {
  return lookRegularly(() => endLostImports(dependencies), {
    logger: dependencies.logger,
    failed: "imports that were given up could not be looked for",
  });
}
