import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { describe, type SuiteContext } from "node:test";
import pg from "pg";
import { openDatabase } from "../../src/database/connect.js";
import type { Database } from "../../src/database/database.type.js";
import { readMigrations } from "../../src/database/migration-files.js";
import { createJobQueue } from "../../src/jobs/job-queue.js";
import { createLogger, type Logger } from "../../src/logger.js";

export type DatabaseKind = Database["kind"];

/** Logs nothing; set LOOKALIKE_TEST_LOG to a level to see what a failing test did. */
export const testLogger: Logger = createLogger(process.env.LOOKALIKE_TEST_LOG ?? "silent");

const serverUrl = process.env.TEST_DATABASE_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Changes with every migration, so that templates of older ones are never used. */
const templateKey = createHash("sha256")
  .update(
    readMigrations()
      .map(({ name, checksum }) => name + checksum)
      .join(),
  )
  .digest("hex")
  .slice(0, 16);

export interface TestDatabase {
  readonly database: Database;
  /** What another process needs to open the same database. */
  readonly config: { readonly data: string; readonly databaseUrl?: string };
  /** Closes and drops it. */
  drop(): Promise<void>;
}

/** Why tests on real Postgres cannot run here; false when they can. */
export const postgresMissing: string | false = await whyPostgresIsMissing();

/**
 * A describe() on each kind of database. `open` gives the migrated database of this suite; call it in `before`, and
 * `drop` in `after`.
 */
export function describeOnBothDatabases(
  name: string,
  suite: (open: () => Promise<TestDatabase>, kind: DatabaseKind, context: SuiteContext) => void,
): void {
  describe(`${name} (embedded)`, (context) => suite(() => openTestDatabase("embedded"), "embedded", context));
  describe(`${name} (postgres)`, { skip: postgresMissing }, (context) => {
    suite(() => openTestDatabase("postgres"), "postgres", context);
  });
}

/** Gives `work` a migrated database of its own and drops it afterwards. */
export async function withDatabase<T>(kind: DatabaseKind, work: (database: Database) => Promise<T>): Promise<T> {
  const test = await openTestDatabase(kind);
  try {
    return await work(test.database);
  } finally {
    await test.drop();
  }
}

/** A migrated, empty database that nobody else uses. Takes about 0.1 s on Postgres and 1 s embedded. */
export async function openTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  return kind === "postgres" ? openOnPostgres() : openEmbedded();
}

/** An empty database on the Postgres server, without migrations and without pgvector. */
export async function createEmptyDatabase(): Promise<Omit<TestDatabase, "database">> {
  return createPostgresDatabase(async (client, name) => {
    await client.query(`CREATE DATABASE ${name}`);
  });
}

async function createPostgresDatabase(
  create: (client: pg.Client, name: string) => Promise<void>,
): Promise<Omit<TestDatabase, "database">> {
  const name = `lookalike_test_${process.pid}_${randomBytes(6).toString("hex")}`;
  await onServer((client) => create(client, name));
  const data = mkdtempSync(path.join(tmpdir(), "lookalike-test-"));
  return {
    config: { databaseUrl: urlOf(name), data },
    async drop() {
      await onServer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function openOnPostgres(): Promise<TestDatabase> {
  const template = `lookalike_test_template_${templateKey}`;
  const { config, drop } = await createPostgresDatabase(async (client, name) => {
    // Several test files start at once; one of them makes the template. The lock ends with the connection.
    await client.query("SELECT pg_advisory_lock(hashtext($1))", [template]);
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [template]);
    if (rowCount === 0) await makePostgresTemplate(client, template);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const database = await openDatabase(config, testLogger);
  return {
    database,
    config,
    async drop() {
      await database.close();
      await drop();
    },
  };
}

async function makePostgresTemplate(client: pg.Client, template: string): Promise<void> {
  const draft = `${template}_draft`;
  await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${draft}`);
  await prepare(await openDatabase({ databaseUrl: urlOf(draft), data: tmpdir() }, testLogger));
  await client.query(`ALTER DATABASE ${draft} RENAME TO ${template}`);
}

async function openEmbedded(): Promise<TestDatabase> {
  const data = mkdtempSync(path.join(tmpdir(), "lookalike-test-"));
  await copyEmbeddedTemplate(data);
  const database = await openDatabase({ data }, testLogger, { role: "server" });
  return {
    database,
    config: { data },
    async drop() {
      await database.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Fills a folder with a migrated, empty embedded database. */
export async function copyEmbeddedTemplate(data: string): Promise<void> {
  cpSync(await embeddedTemplate(), data, { recursive: true });
}

/** A migrated data folder, made once for these migrations (5 s) and copied from then on (0.1 s). */
async function embeddedTemplate(): Promise<string> {
  const parent = path.join(tmpdir(), `lookalike-${userInfo().uid}`);
  const template = path.join(parent, `test-template-${templateKey}`);
  if (existsSync(template)) return template;
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const draft = mkdtempSync(`${template}-`);
  await prepare(await openDatabase({ data: draft }, testLogger));
  try {
    renameSync(draft, template);
  } catch {
    // Another test file was faster.
    rmSync(draft, { recursive: true, force: true });
  }
  return template;
}

/** The queue's tables are part of a template too, because every suite that writes products enqueues jobs. */
async function prepare(database: Database): Promise<void> {
  const jobs = await createJobQueue(database, testLogger);
  await jobs.close();
  await database.close();
}

function urlOf(database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

async function onServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function whyPostgresIsMissing(): Promise<string | false> {
  try {
    const { rowCount } = await onServer((client) =>
      client.query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"),
    );
    return rowCount === 0 ? "the Postgres of TEST_DATABASE_URL has no pgvector" : false;
  } catch (error) {
    return `no Postgres at TEST_DATABASE_URL (${(error as Error).message || "unreachable"})`;
  }
}
