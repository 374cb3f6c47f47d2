import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { Config } from "../config.js";
import { PrismaClient } from "../generated/prisma/client.js";
import type { Logger } from "../logger.js";
import type { Database } from "./database.type.js";
import { type DataFolderRole, holdOrJoin } from "./embedded/host.js";
import { IDLE_IN_TRANSACTION_MS } from "./embedded/multiplexer.js";
import { DatabaseUnreachable } from "./errors.js";
import { migrate } from "./migrate.js";
import { pooledSql } from "./sql.js";
import { valueTypes } from "./value-types.js";
import { watchStatements } from "./watch-statements.js";

export interface OpenDatabaseOptions {
  /** What to do about the data folder of the embedded database; no meaning with `databaseUrl`. `client` if unset. */
  readonly role?: DataFolderRole;
  /** Most connections of this process. */
  readonly connections?: number;
  /** Apply the migrations that are missing; true if unset. */
  readonly migrate?: boolean;
}

/**
 * Opens the database that the configuration names: the Postgres of `databaseUrl`, or the embedded one in the data
 * folder, which this process hosts or joins as its role says. The schema is up to date when this returns.
 * @throws DatabaseUnreachable, DataFolderInUse (role `server`), DatabaseNotRunning (role `guest`),
 *   EmbeddedDatabaseFailed, and what `migrate` throws
 */
export async function openDatabase(
  config: Pick<Config, "databaseUrl" | "data">,
  logger: Logger,
  options: OpenDatabaseOptions = {},
): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    return connect("postgres", { connectionString: config.databaseUrl, max: 10 }, logger, options, async () => {});
  }
  const seat = await holdOrJoin(config.data, options.role ?? "client", logger);
  // Few connections, because all of them queue for the one session; more than one, so that a waiting transaction
  // does not hold up the answers that come before it.
  const address = {
    host: seat.socketDirectory,
    user: "postgres",
    database: "postgres",
    max: 4,
    // New connections queue for the session too, behind the longest transaction that is allowed.
    connectionTimeoutMillis: IDLE_IN_TRANSACTION_MS + 15_000,
  };
  try {
    return await connect("embedded", address, logger, options, seat.leave);
  } catch (error) {
    await seat.leave();
    throw error;
  }
}

async function connect(
  kind: Database["kind"],
  address: pg.PoolConfig,
  logger: Logger,
  options: OpenDatabaseOptions,
  leave: () => Promise<void>,
): Promise<Database> {
  const pool = new pg.Pool({
    connectionTimeoutMillis: 15_000,
    ...address,
    ...(options.connections === undefined ? {} : { max: options.connections }),
    types: valueTypes,
    application_name: "lookalike",
    keepAlive: true,
  });
  // An idle connection that breaks (a server that restarts) is replaced by the next query; unheard, it would end
  // the process.
  pool.on("error", (error) => logger.warn({ reason: error.message }, "an idle database connection broke"));
  const onStatement = watchStatements(pool);
  const sql = pooledSql(pool, kind);
  try {
    await reach(pool, kind, address);
    if (options.migrate !== false) await migrate(sql.transaction, logger);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  let closing: Promise<void> | undefined;
  return {
    kind,
    vectorType: kind === "postgres" ? "halfvec" : "vector",
    prisma,
    pool,
    ...sql,
    onStatement,
    close() {
      closing ??= (async () => {
        await prisma.$disconnect();
        await pool.end();
        await leave();
      })();
      return closing;
    },
  };
}

async function reach(pool: pg.Pool, kind: Database["kind"], address: pg.PoolConfig): Promise<void> {
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    throw new DatabaseUnreachable(kind === "postgres" ? describe(address) : "The embedded database", error);
  }
}

/** Host and database of a connection string, without its user and password. */
function describe({ connectionString = "" }: pg.PoolConfig): string {
  if (!URL.canParse(connectionString)) return "Postgres";
  const url = new URL(connectionString);
  return `The Postgres at ${url.host || "the local socket"}${url.pathname}`;
}
