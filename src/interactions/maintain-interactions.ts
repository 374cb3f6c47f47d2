import type { Config } from "../config.js";
import type { Database } from "../database/database.type.js";
import { lookRegularly } from "../jobs/look-regularly.js";
import type { Logger } from "../logger.js";
import { updatePopularity } from "./popularity.js";

/** How sought-after products are changes by the day. */
const LOOK_EVERY_MS = 5 * 60_000;
const ROWS_AT_ONCE = 20_000;

export interface InteractionMaintenanceDependencies {
  readonly database: Pick<Database, "transaction" | "query">;
  readonly config: Pick<Config, "interactionDays">;
  readonly logger: Logger;
}

/** Keeps the popularity of products, and forgets interactions that are too old, while a worker runs. */
export function startInteractionMaintenance(dependencies: InteractionMaintenanceDependencies): {
  stop(): Promise<void>;
} {
  const failed = "the popularity of products could not be brought up to date";
  const { logger } = dependencies;
  return lookRegularly(() => maintainInteractions(dependencies), { logger, failed, everyMs: LOOK_EVERY_MS });
}

/**
 * One round of it. Several workers take turns: who finds another one at it leaves it to that one.
 * @returns how many interactions were forgotten
 */
export async function maintainInteractions({
  database,
  config,
  logger,
}: InteractionMaintenanceDependencies): Promise<number> {
  const isMine = await database.transaction(async (sql) => {
    const [row] = await sql.query<{ mine: boolean }>(
      "SELECT pg_try_advisory_xact_lock(hashtext('lookalike popularity')) AS mine",
    );
    if (row?.mine !== true) return false;
    await updatePopularity(sql);
    return true;
  });
  return isMine ? prune({ database, config, logger }) : 0;
}

async function prune({ database, config, logger }: InteractionMaintenanceDependencies): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const rows = await database.query(PRUNE, [config.interactionDays, ROWS_AT_ONCE]);
    forgotten += rows.length;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  if (forgotten > 0) logger.info({ forgotten, days: config.interactionDays }, "forgot interactions that are too old");
  return forgotten;
}

/** Those of an experiment stay as long after its end as others after they happened: its report is whole until then. */
const PRUNE = `
  DELETE FROM interaction WHERE id IN (
    SELECT i.id FROM interaction i
    WHERE i.at < now() - make_interval(days => $1::int)
      AND NOT EXISTS (
        SELECT 1 FROM experiment e
        WHERE e.id = i.experiment_id AND e.ends_at > now() - make_interval(days => $1::int))
    LIMIT $2::int)
  RETURNING 1 AS gone`;
