import { LookalikeError, messageOf } from "../errors.js";

/** No connection, or the one there was has broken. */
export class DatabaseUnreachable extends LookalikeError {
  readonly code = "DATABASE_UNREACHABLE";

  constructor(where: string, cause: unknown) {
    super(`${where} cannot be reached: ${messageOf(cause)}. Check that it runs and that DATABASE_URL is right.`, {
      cause,
    });
  }
}

/** Another process holds the data folder, and this one wanted to be the server of it. */
export class DataFolderInUse extends LookalikeError {
  readonly code = "DATA_FOLDER_IN_USE";

  constructor(
    folder: string,
    readonly holder: { readonly pid: number; readonly host: string; readonly command: string },
  ) {
    super(
      `The data folder ${folder} is held by process ${holder.pid} on ${holder.host} (${holder.command}). ` +
        "Stop it, wait for it, or use another folder with --data.",
    );
  }
}

/** A process that only uses a running server's database found no server. */
export class DatabaseNotRunning extends LookalikeError {
  readonly code = "DATABASE_NOT_RUNNING";

  constructor(folder: string) {
    super(`Nothing serves the data folder ${folder}. Start "lookalike serve" first, or set DATABASE_URL.`);
  }
}

/** The embedded database could not be opened in its folder. */
export class EmbeddedDatabaseFailed extends LookalikeError {
  readonly code = "EMBEDDED_DATABASE_FAILED";

  constructor(folder: string, cause: unknown) {
    super(
      `The embedded database in ${folder} does not open: ${messageOf(cause)}. ` +
        "Check the free space and the rights of the folder, or move it away to start afresh.",
      { cause },
    );
  }
}

/** The embedded database ended while it was in use. */
export class EmbeddedDatabaseStopped extends LookalikeError {
  readonly code = "EMBEDDED_DATABASE_STOPPED";

  constructor(folder: string, cause: unknown) {
    super(
      `The embedded database in ${folder} has stopped: ${messageOf(cause)}. What was committed is kept; start again.`,
      { cause },
    );
  }
}

/** The database was used from inside a transaction in a way that would wait for itself. */
export class TransactionMisuse extends LookalikeError {
  readonly code = "TRANSACTION_MISUSE";

  constructor(what: string) {
    super(
      `${what} was called inside a transaction. Use the transaction's own \`sql\`: on the embedded database, ` +
        "which has one session, anything else waits for the transaction for ever.",
    );
  }
}

/** A statement of the transaction failed, its error was swallowed, and so nothing could be committed. */
export class TransactionAborted extends LookalikeError {
  readonly code = "TRANSACTION_ABORTED";

  constructor() {
    super("Nothing was committed: a statement of this transaction had failed. Let its error reach the caller.");
  }
}

/** The server is older than what the migrations and the vector queries need. */
export class PostgresTooOld extends LookalikeError {
  readonly code = "POSTGRES_TOO_OLD";

  constructor(version: string) {
    super(`Postgres ${version} is too old: lookalike needs Postgres 15 or newer. Upgrade the server.`);
  }
}

/** The extension is not installed on the server's machine. */
export class PgvectorMissing extends LookalikeError {
  readonly code = "PGVECTOR_MISSING";

  constructor(major: number, options?: ErrorOptions) {
    super(
      `The Postgres server has no pgvector. Install it there (Debian: apt install postgresql-${major}-pgvector; ` +
        "Docker: the image pgvector/pgvector), version 0.8 or newer.",
      options,
    );
  }
}

/** The extension is installed but lacks halfvec, iterative scans, or both. */
export class PgvectorTooOld extends LookalikeError {
  readonly code = "PGVECTOR_TOO_OLD";

  constructor(installed: string, available: string | undefined) {
    const updatable = available !== undefined && isAtLeast(available, MINIMUM_PGVECTOR);
    super(
      `pgvector ${installed} is too old: lookalike needs 0.8 or newer. ` +
        (updatable
          ? `The server has ${available}; run as a superuser: ALTER EXTENSION vector UPDATE;`
          : "Install a newer pgvector on the server, then run: ALTER EXTENSION vector UPDATE;"),
    );
  }
}

/** The database's user may not create the extension. */
export class PgvectorNotAllowed extends LookalikeError {
  readonly code = "PGVECTOR_NOT_ALLOWED";

  constructor(user: string, database: string, options?: ErrorOptions) {
    super(
      `The user ${user} may not create pgvector in the database ${database}. ` +
        "Run there once as a superuser: CREATE EXTENSION vector;",
      options,
    );
  }
}

/** A migration's SQL was refused. */
export class MigrationFailed extends LookalikeError {
  readonly code = "MIGRATION_FAILED";

  constructor(migration: string, cause: unknown) {
    super(
      `The migration ${migration} failed: ${messageOf(cause)}. Nothing of it was kept; correct the cause and start again.`,
      { cause },
    );
  }
}

/** The bookkeeping says that an earlier run, by Prisma's own tool, stopped in the middle of a migration. */
export class MigrationUnfinished extends LookalikeError {
  readonly code = "MIGRATION_UNFINISHED";

  constructor(migration: string) {
    super(
      `The migration ${migration} failed in an earlier run. Correct its cause, then run ` +
        `"npx prisma migrate resolve --rolled-back ${migration}" and start again.`,
    );
  }
}

export const MINIMUM_PGVECTOR = "0.8";

/** Compares dotted version numbers by their numeric parts. */
export function isAtLeast(version: string, minimum: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [place, wanted] of minimum.split(".").map(Number).entries()) {
    const found = parts[place] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}
