import { CronExpressionParser } from "cron-parser";
import type { Config } from "../../config.js";
import type { Database, Sql } from "../../database/database.type.js";
import { BadUserInput, LookalikeError, messageOf } from "../../errors.js";
import type { Logger } from "../../logger.js";
import type { ArtefactStore } from "../../models/artefact-store.type.js";
import type { Snapshot } from "../snapshot/snapshot.type.js";
import { measureChange } from "./catalog-change.js";
import type { Training } from "./training.js";
import type { TrainingRequest } from "./training-request.js";
import type { PromotePolicy } from "./training-run.type.js";

const LOOK_EVERY_MS = 20_000;

export interface RetrainScheduleDependencies {
  readonly database: Database;
  readonly training: Pick<Training, "startUnless" | "recordRefusal">;
  readonly artefacts: Pick<ArtefactStore, "read">;
  readonly config: Pick<Config, "retrainSchedule" | "retrainChange">;
  readonly logger: Logger;
}

/** What the live model was trained for; nothing for a base model. */
interface LiveRun {
  readonly request: TrainingRequest;
  readonly promote: PromotePolicy;
  readonly snapshotKey: string | null;
  readonly snapshotSha256: string | null;
}

/**
 * Trains again at the hours of the schedule, if the catalog changed enough since the live model's training: with the
 * same request, or with the defaults when the live model is the encoder as it came. Every worker looks; a database lock
 * and the runs since then see to it that one of them starts. Hours at which no worker ran are not made up for.
 * @throws BadUserInput for an expression that means nothing
 */
export function startRetrainSchedule(dependencies: RetrainScheduleDependencies): { stop(): Promise<void> } {
  const { config, logger } = dependencies;
  const { retrainSchedule } = config;
  if (retrainSchedule === undefined) return { stop: async () => {} };
  let seen = lastDue(retrainSchedule, new Date());
  let looking: Promise<unknown> = Promise.resolve();
  const look = async (): Promise<void> => {
    const due = lastDue(retrainSchedule, new Date());
    if (due.getTime() <= seen.getTime()) return;
    await retrainIfChanged(dependencies, due);
    seen = due;
  };
  const timer = setInterval(() => {
    looking = looking
      .then(look)
      .catch((error: unknown) => logger.warn({ reason: messageOf(error) }, "the retraining could not be looked at"));
  }, LOOK_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** The last time, up to `now`, that a cron expression names; in UTC. @throws BadUserInput */
export function lastDue(expression: string, now: Date): Date {
  try {
    // The parser's last time is before `now`; a second more makes it "up to".
    const currentDate = new Date(now.getTime() + 1_000);
    return CronExpressionParser.parse(expression, { currentDate, tz: "UTC" }).prev().toDate();
  } catch (error) {
    throw new BadUserInput(
      `retrainSchedule ${JSON.stringify(expression)} is no cron expression: ${messageOf(error)}.`,
      ["retrainSchedule"],
    );
  }
}

/** @returns the id of the run that was started */
export async function retrainIfChanged(
  { database, training, artefacts, config, logger }: RetrainScheduleDependencies,
  due: Date,
): Promise<string | undefined> {
  const [live] = await database.query<LiveRun>(
    `SELECT r.request, r.promote, r.snapshot_key AS "snapshotKey", r.snapshot_sha256 AS "snapshotSha256"
     FROM model_version m JOIN training_run r ON r.id = m.run_id WHERE m.state = 'ACTIVE'`,
  );
  if (live?.snapshotKey) {
    const bytes = await artefacts.read(live.snapshotKey, live.snapshotSha256 ?? undefined);
    const change = await measureChange(database, JSON.parse(bytes.toString("utf8")) as Snapshot, live.request);
    logger.info({ ...change, atLeast: config.retrainChange }, "the catalog since the live model's training");
    if (change.share < config.retrainChange) return undefined;
  }
  const wishes = live ? { ...live.request, promote: live.promote } : {};
  try {
    const run = await training.startUnless(wishes, (sql) => isStarted(sql, due));
    if (run) logger.info({ runId: run.id, due }, "training again, as scheduled");
    return run?.id;
  } catch (error) {
    if (!(error instanceof LookalikeError)) throw error;
    const refused = await training.recordRefusal(wishes, {
      code: error.code,
      message: `Not trained again as scheduled: ${error.message}`,
    });
    logger.warn({ runId: refused?.id, code: error.code, reason: error.message }, "not trained again as scheduled");
    return undefined;
  }
}

/** Whether another worker, or somebody, started a run since then, or one is still on. */
async function isStarted(sql: Sql, due: Date): Promise<boolean> {
  await sql.query("SELECT pg_advisory_xact_lock(hashtext('lookalike retraining'))");
  const rows = await sql.query(
    `SELECT 1 AS there FROM training_run
     WHERE created_at >= $1::timestamptz OR state IN ('QUEUED', 'RUNNING', 'REFRESHING') LIMIT 1`,
    [due.toISOString()],
  );
  return rows.length > 0;
}
