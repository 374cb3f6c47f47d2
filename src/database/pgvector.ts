import type { Sql } from "./database.type.js";
import {
  isAtLeast,
  MINIMUM_PGVECTOR,
  PgvectorMissing,
  PgvectorNotAllowed,
  PgvectorTooOld,
  PostgresTooOld,
} from "./errors.js";

const OLDEST_POSTGRES = 150_000;

interface Situation {
  readonly number: number;
  readonly version: string;
  readonly user: string;
  readonly database: string;
  readonly installed: string | null;
  readonly available: string | null;
}

/**
 * Makes sure that this database has pgvector 0.8 or newer, creating the extension where it is allowed to.
 * @throws PostgresTooOld, PgvectorMissing, PgvectorTooOld, PgvectorNotAllowed
 */
export async function ensurePgvector(sql: Sql): Promise<void> {
  const before = await situationOf(sql);
  if (before.number < OLDEST_POSTGRES) throw new PostgresTooOld(before.version);
  if (before.installed === null) {
    if (before.available === null) throw new PgvectorMissing(Math.floor(before.number / 10_000));
    await createExtension(sql, before);
  }
  const after = before.installed === null ? await situationOf(sql) : before;
  if (after.installed !== null && !isAtLeast(after.installed, MINIMUM_PGVECTOR)) {
    throw new PgvectorTooOld(after.installed, after.available ?? undefined);
  }
}

async function createExtension(sql: Sql, { user, database }: Situation): Promise<void> {
  try {
    await sql.query("CREATE EXTENSION IF NOT EXISTS vector");
  } catch (error) {
    if ((error as { code?: string }).code === "42501") throw new PgvectorNotAllowed(user, database, { cause: error });
    throw error;
  }
}

async function situationOf(sql: Sql): Promise<Situation> {
  const [row] = await sql.query<Situation>(`
    SELECT current_setting('server_version_num')::int AS number,
           current_setting('server_version') AS version,
           current_user::text AS user,
           current_database()::text AS database,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
           (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available`);
  return row!;
}
