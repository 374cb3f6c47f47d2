import { randomUUID } from "node:crypto";
import type { Logger } from "../logger.js";
import type { Sql } from "./database.type.js";
import { MigrationFailed, MigrationUnfinished } from "./errors.js";
import { type MigrationFile, readMigrations } from "./migration-files.js";
import { ensurePgvector } from "./pgvector.js";

/** The id that Prisma's own engine locks while it migrates, so that both exclude each other. */
const PRISMA_LOCK = 72_707_369;

/** The table exactly as Prisma's engine creates it; `prisma migrate deploy` then finds nothing to apply. */
const BOOKKEEPING = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

/**
 * Brings the schema up to date: pgvector first, then every migration of `files` that is not recorded yet, each in a
 * transaction of its own together with its record. Any number of processes may call this at once.
 * @returns the names of the migrations that this call applied
 * @throws PostgresTooOld, PgvectorMissing, PgvectorTooOld, PgvectorNotAllowed, MigrationFailed, MigrationUnfinished
 */
export async function migrate(
  transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>,
  logger: Logger,
  files: readonly MigrationFile[] = readMigrations(),
): Promise<string[]> {
  const pending = await transaction(async (sql) => {
    // A transaction-level lock, because session locks exclude nobody where all clients share one session.
    await sql.query(`SELECT pg_advisory_xact_lock(${PRISMA_LOCK})`);
    await ensurePgvector(sql);
    await sql.query(BOOKKEEPING);
    return findPending(await readApplied(sql), files, logger);
  });
  const applied: string[] = [];
  for (const file of pending) {
    if (await transaction((sql) => applyOne(sql, file))) {
      applied.push(file.name);
      logger.info({ migration: file.name }, "migration applied");
    }
  }
  return applied;
}

async function readApplied(sql: Sql): Promise<AppliedMigration[]> {
  return sql.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
}

function findPending(applied: readonly AppliedMigration[], files: readonly MigrationFile[], logger: Logger) {
  const unfinished = applied.find(({ finished }) => !finished);
  if (unfinished) throw new MigrationUnfinished(unfinished.name);
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  return files.filter(({ name, checksum }) => {
    const known = checksums.get(name);
    if (known !== undefined && known !== checksum) {
      logger.warn({ migration: name }, "this migration was edited after it had been applied");
    }
    return known === undefined;
  });
}

/** @returns false when another process was faster */
async function applyOne(sql: Sql, file: MigrationFile): Promise<boolean> {
  await sql.query(`SELECT pg_advisory_xact_lock(${PRISMA_LOCK})`);
  if ((await readApplied(sql)).some(({ name }) => name === file.name)) return false;
  try {
    await sql.query(file.sql);
  } catch (error) {
    throw new MigrationFailed(file.name, error);
  }
  await sql.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), file.checksum, file.name],
  );
  return true;
}
